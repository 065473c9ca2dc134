package dev.comfyapi.benchmarks.queues;

/// One queue on one database: filled with jobs of no length, then worked off.
public interface QueueUnderTest extends AutoCloseable {

    /// What the table of figures calls it, with the settings that matter.
    String name();

    /// Stores so many waiting jobs, in the largest statements it offers.
    void fill(int jobs);

    /// Works off all that wait; returns when each has its end stored.
    void drain() throws InterruptedException;

    @Override
    void close();
}
