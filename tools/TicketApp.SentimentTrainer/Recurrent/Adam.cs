namespace TicketApp.SentimentTrainer.Recurrent;

/// <summary>The steps of Adam (Kingma and Ba, 2015) for one array of numbers, and their average over the latest steps.</summary>
/// <param name="values">The numbers.</param>
/// <param name="gradients">Their gradients, which a step uses up.</param>
internal sealed class Adam(float[] values, float[] gradients)
{
    private const float FirstDecay = 0.9f;
    private const float SecondDecay = 0.999f;
    private const float Epsilon = 1e-8f;

    private readonly float[] _first = new float[values.Length];
    private readonly float[] _second = new float[values.Length];
    private readonly float[] _average = [.. values];

    /// <summary>Changes the numbers of a range.</summary>
    /// <param name="start">The first.</param>
    /// <param name="count">How many.</param>
    /// <param name="rate">How far to go.</param>
    /// <param name="step">Steps so far, this one included.</param>
    public void Step(int start, int count, float rate, int step)
    {
        var size = rate * MathF.Sqrt(1 - MathF.Pow(SecondDecay, step)) / (1 - MathF.Pow(FirstDecay, step));
        for (var i = start; i < start + count; i++)
        {
            var gradient = gradients[i];
            _first[i] += (1 - FirstDecay) * (gradient - _first[i]);
            _second[i] += (1 - SecondDecay) * ((gradient * gradient) - _second[i]);
            values[i] -= size * _first[i] / (MathF.Sqrt(_second[i]) + Epsilon);
            gradients[i] = 0;
        }
    }

    public void StepAll(float rate, int step) => Step(0, values.Length, rate, step);

    /// <summary>Moves the average towards the numbers.</summary>
    public void Average(float share)
    {
        for (var i = 0; i < values.Length; i++)
        {
            _average[i] += share * (values[i] - _average[i]);
        }
    }

    /// <summary>Puts the average in the place of the numbers.</summary>
    public void UseAverage() => _average.CopyTo(values, 0);
}
