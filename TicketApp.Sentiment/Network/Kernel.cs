using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace TicketApp.Sentiment.Network;

/// <summary>The one operation that all the time goes into.</summary>
internal static class Kernel
{
    /// <summary>Row lengths are multiples of this.</summary>
    public const int Lanes = 8;

    private const int Block = 6 * Lanes;

    /// <summary>Adds to <paramref name="sum"/> each row of a matrix, times its factor.</summary>
    /// <param name="factors">The factors, <paramref name="stride"/> apart.</param>
    /// <param name="stride">1 for a row of factors, the row length for a column of a matrix.</param>
    /// <param name="rows">Rows, and factors.</param>
    /// <param name="matrix">The matrix, whose rows are as long as <paramref name="sum"/>.</param>
    /// <param name="sum">A multiple of <see cref="Lanes"/> long.</param>
    public static void AddRows(ReadOnlySpan<float> factors, int stride, int rows, ReadOnlySpan<float> matrix, Span<float> sum)
    {
        var columns = sum.Length;
        ArgumentOutOfRangeException.ThrowIfLessThan(matrix.Length, rows * columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(factors.Length, ((rows - 1) * stride) + 1);
        ref var x = ref MemoryMarshal.GetReference(factors);
        ref var w = ref MemoryMarshal.GetReference(matrix);
        ref var y = ref MemoryMarshal.GetReference(sum);
        nuint column = 0;
        for (; column + Block <= (nuint)columns; column += Block)
        {
            // Six sums at a time stay in registers.
            var s0 = Vector256.LoadUnsafe(ref y, column);
            var s1 = Vector256.LoadUnsafe(ref y, column + Lanes);
            var s2 = Vector256.LoadUnsafe(ref y, column + (2 * Lanes));
            var s3 = Vector256.LoadUnsafe(ref y, column + (3 * Lanes));
            var s4 = Vector256.LoadUnsafe(ref y, column + (4 * Lanes));
            var s5 = Vector256.LoadUnsafe(ref y, column + (5 * Lanes));
            nuint at = 0, from = column;
            for (var row = 0; row < rows; row++, at += (nuint)stride, from += (nuint)columns)
            {
                var factor = Vector256.Create(System.Runtime.CompilerServices.Unsafe.Add(ref x, at));
                s0 = Vector256.FusedMultiplyAdd(factor, Vector256.LoadUnsafe(ref w, from), s0);
                s1 = Vector256.FusedMultiplyAdd(factor, Vector256.LoadUnsafe(ref w, from + Lanes), s1);
                s2 = Vector256.FusedMultiplyAdd(factor, Vector256.LoadUnsafe(ref w, from + (2 * Lanes)), s2);
                s3 = Vector256.FusedMultiplyAdd(factor, Vector256.LoadUnsafe(ref w, from + (3 * Lanes)), s3);
                s4 = Vector256.FusedMultiplyAdd(factor, Vector256.LoadUnsafe(ref w, from + (4 * Lanes)), s4);
                s5 = Vector256.FusedMultiplyAdd(factor, Vector256.LoadUnsafe(ref w, from + (5 * Lanes)), s5);
            }

            s0.StoreUnsafe(ref y, column);
            s1.StoreUnsafe(ref y, column + Lanes);
            s2.StoreUnsafe(ref y, column + (2 * Lanes));
            s3.StoreUnsafe(ref y, column + (3 * Lanes));
            s4.StoreUnsafe(ref y, column + (4 * Lanes));
            s5.StoreUnsafe(ref y, column + (5 * Lanes));
        }

        for (; column < (nuint)columns; column += Lanes)
        {
            var s = Vector256.LoadUnsafe(ref y, column);
            nuint at = 0, from = column;
            for (var row = 0; row < rows; row++, at += (nuint)stride, from += (nuint)columns)
            {
                var factor = Vector256.Create(System.Runtime.CompilerServices.Unsafe.Add(ref x, at));
                s = Vector256.FusedMultiplyAdd(factor, Vector256.LoadUnsafe(ref w, from), s);
            }

            s.StoreUnsafe(ref y, column);
        }
    }

    /// <summary>
    /// Adds the product of two matrices, <paramref name="rows"/> × <paramref name="inner"/> and
    /// <paramref name="inner"/> × <paramref name="columns"/>.
    /// </summary>
    public static void AddProduct(ReadOnlySpan<float> left, int rows, int inner, ReadOnlySpan<float> right, int columns, Span<float> sum)
    {
        for (var row = 0; row < rows; row++)
        {
            AddRows(left.Slice(row * inner, inner), 1, inner, right, sum.Slice(row * columns, columns));
        }
    }
}
