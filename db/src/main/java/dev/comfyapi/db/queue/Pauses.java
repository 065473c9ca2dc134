package dev.comfyapi.db.queue;

import java.util.Set;

/// From where nothing is started.
///
/// @param everything whether that is everywhere
/// @param pools single pools
public record Pauses(boolean everything, Set<String> pools) {

    /// Stands for all pools in the database; no pool is called so.
    public static final String EVERY_POOL = "*";

    public static final Pauses NONE = new Pauses(false, Set.of());

    public Pauses {
        pools = Set.copyOf(pools);
    }

    public boolean cover(String pool) {
        return everything || pools.contains(pool);
    }
}
