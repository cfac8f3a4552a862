namespace TicketApp.Sentiment.Text;

/// <summary>One form for each letter, however it was written: small, without accents, not full-width.</summary>
internal static class Letters
{
    private const char Ignored = '\0';

    // U+00E0 to U+017F by position: the base letter, or the character itself where it has none.
    private const string Bases =
        "aaaaaaaceeeeiiiidnooooo÷ouuuuyþy" +
        "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkĸlllllll" +
        "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

    // Raised and small capital letters, which some write as a style, and what they stand for.
    private const string Raised = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ";
    private const string Lowered = "abcdefghijklmnoprstuvwxyzabcdefghijklmnoprstuvwyz";

    /// <summary>The character as words are compared by it; NUL if it shows nothing (lone accents, joiners, variation selectors).</summary>
    public static char Fold(char c)
    {
        if (char.IsAscii(c))
        {
            return c == '`' ? '\'' : char.ToLowerInvariant(c);
        }

        if (c is (>= '\u0300' and <= '\u036f') or (>= '\u200b' and <= '\u200f') or (>= '\ufe00' and <= '\ufe0f')
            or (>= '\u20d0' and <= '\u20ff') or '\u2060' or '\u00ad' or '\ufeff')
        {
            return Ignored;
        }

        if (c is >= '\uff01' and <= '\uff5e')
        {
            return char.ToLowerInvariant((char)(c - 0xfee0));
        }

        c = char.ToLowerInvariant(c);
        return c switch
        {
            >= '\u00e0' and <= '\u017f' => Bases[c - '\u00e0'],
            '\u2018' or '\u2019' or '\u00b4' or '\u02bc' => '\'',
            '\u201c' or '\u201d' or '\u00ab' or '\u00bb' or '\u201e' => '"',
            '\u2010' or '\u2011' => '-',
            (>= '\u0250' and <= '\u02ff') or (>= '\u1d00' and <= '\u1dbf') or '\u2071' or '\u207f' or '\ua730' or '\ua731'
                when Raised.IndexOf(c, StringComparison.Ordinal) is var at and >= 0 => Lowered[at],
            _ => c,
        };
    }
}
