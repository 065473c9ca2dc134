package dev.comfyapi.messaging;

/// The names and sizes of the topics.
public final class Topics {

    /// ASSIGN and CANCEL, each on the partition of its worker.
    public static final String LANES = "generation.lanes";

    /// What happens to jobs, keyed by job; every API instance reads all of it.
    public static final String EVENTS = "generation.events";

    /// At most 16 workers share a lane up to 2,048 workers. May grow: each worker's lane is stored
    /// in its row.
    public static final int LANE_COUNT = 128;

    static final int EVENT_PARTITIONS = 32;

    private Topics() {}
}
