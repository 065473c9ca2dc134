package dev.comfyapi.api.catalogue;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// What the workers of one pool have, at one moment.
public final class PoolCatalogue {

    private static final String CHECKPOINTS = "checkpoints";

    private final String pool;
    private final Fleet live;
    private final Supplier<Fleet> known;

    PoolCatalogue(String pool, Fleet live, Supplier<Fleet> known) {
        this.pool = pool;
        this.live = live;
        this.known = known;
    }

    public String pool() {
        return pool;
    }

    /// The live workers; while there are none, those of the last days as they were when last seen.
    public Fleet known() {
        return known.get();
    }

    /// Whether it is known what the live workers have.
    public boolean isKnown() {
        return live.workers().stream()
                .anyMatch(worker -> !worker.installation().models().isEmpty());
    }

    /// Names of the live workers' files in one of ComfyUI's model folders.
    public List<String> names(String folder) {
        return List.copyOf(live.names(folder));
    }

    /// Names of the files in one of ComfyUI's model folders: what live workers have, else what the
    /// last ones had.
    public List<String> lastNames(String folder) {
        return List.copyOf(known().names(folder));
    }

    /// The checkpoint for requests that name none: the first by name that live workers have, else
    /// that the pool had last.
    public Optional<String> firstCheckpoint() {
        return lastNames(CHECKPOINTS).stream().findFirst();
    }

    /// Whether a live worker has all of these files, each as `folder/name`.
    public boolean canRun(Collection<String> models) {
        return live.workers().stream().anyMatch(worker -> worker.has(models, List.of()));
    }

    public Set<String> samplers() {
        return live.samplers();
    }

    public Set<String> schedulers() {
        return live.schedulers();
    }
}
