namespace TicketApp.SentimentTrainer.Linear;

/// <summary>A row of a matrix that is nearly all zeros.</summary>
internal readonly record struct SparseRow(int[] Columns, float[] Values)
{
    public float Times(float[] vector)
    {
        var sum = 0f;
        for (var i = 0; i < Columns.Length; i++)
        {
            sum += vector[Columns[i]] * Values[i];
        }

        return sum;
    }

    public void AddTo(float[] vector, float factor)
    {
        for (var i = 0; i < Columns.Length; i++)
        {
            vector[Columns[i]] += factor * Values[i];
        }
    }
}
