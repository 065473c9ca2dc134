package dev.comfyapi.api.catalogue;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;

import dev.comfyapi.db.catalogue.FleetStore;
import dev.comfyapi.db.catalogue.FleetStore.Installation;
import dev.comfyapi.model.workflow.NodeCatalogue;

import org.springframework.stereotype.Component;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// What the workers have, as it was a moment ago: every submit asks. Thread-safe.
@Component
public final class FleetCatalogue {

    private static final String CHECKPOINTS = "checkpoints";

    /// Numbers go out as they came in.
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    private final FleetStore store;
    private final LoadingCache<String, Fleet> live;
    private final LoadingCache<String, Fleet> remembered;
    private final LoadingCache<String, Map<String, Integer>> medians;

    /// An installation never changes under its hash.
    private final Cache<String, Installation> installations =
            Caffeine.newBuilder().maximumSize(200).build();

    /// By the hashes of the installations. Descriptions are large, and a fleet has few kinds.
    private final Cache<Set<String>, NodeCatalogue> nodes =
            Caffeine.newBuilder().maximumSize(4).build();

    FleetCatalogue(FleetStore store, CatalogueProperties properties) {
        this.store = store;
        var keeping = Caffeine.newBuilder().expireAfterWrite(properties.keep()).maximumSize(1);
        this.live = keeping.build(_ -> fleet(store.live(), false));
        this.remembered = keeping.build(_ -> fleet(store.remembered(), true));
        this.medians = keeping.build(_ -> store.medianExecutionMs());
    }

    private Fleet fleet(List<FleetStore.Worker> found, boolean stale) {
        var workers = new ArrayList<Fleet.Worker>();
        var kinds = new HashMap<String, Installation>();
        for (var worker : found) {
            installation(worker.catalogue())
                    .ifPresent(installation -> {
                        kinds.put(worker.catalogue(), installation);
                        workers.add(
                                new Fleet.Worker(
                                        worker.name(),
                                        worker.pool(),
                                        worker.loaded(),
                                        installation));
                    });
        }
        return new Fleet(workers, stale, nodes.get(Set.copyOf(kinds.keySet()), _ -> merge(kinds)));
    }

    private Optional<Installation> installation(String hash) {
        var known = installations.getIfPresent(hash);
        if (known != null) {
            return Optional.of(known);
        }
        var found = store.installation(hash);
        found.ifPresent(installation -> installations.put(hash, installation));
        return found;
    }

    private static NodeCatalogue merge(Map<String, Installation> kinds) {
        var names = new HashSet<String>();
        var infos = new ArrayList<JsonNode>();
        for (var hash : new TreeSet<>(kinds.keySet())) {
            var installation = kinds.get(hash);
            if (installation != null) {
                names.addAll(installation.nodes());
                infos.add(JSON.readTree(installation.objectInfo()));
            }
        }
        return NodeCatalogue.merged(names, infos);
    }

    /// The live workers.
    private Fleet live() {
        return live.get("");
    }

    /// The live workers; while there are none, those of the last days as they were when last seen.
    public Fleet known() {
        var now = live();
        return now.workers().isEmpty() ? remembered.get("") : now;
    }

    /// How long the newest jobs of each model took: milliseconds of GPU time, by `folder/name`.
    public Map<String, Integer> medianExecutionMs() {
        return medians.get("");
    }

    /// Whether it is known what the live workers have.
    public boolean isKnown() {
        return live().workers().stream()
                .anyMatch(worker -> !worker.installation().models().isEmpty());
    }

    /// Names of the live workers' files in one of ComfyUI's model folders.
    public List<String> names(String folder) {
        return List.copyOf(live().names(folder));
    }

    /// Names of the files in one of ComfyUI's model folders: what live workers have, else what the
    /// last ones had.
    public List<String> lastNames(String folder) {
        return List.copyOf(known().names(folder));
    }

    /// The checkpoint for requests that name none: the first by name that live workers have, else
    /// that the fleet had last.
    public Optional<String> firstCheckpoint() {
        return lastNames(CHECKPOINTS).stream().findFirst();
    }

    /// Whether a live worker has all of these files, each as `folder/name`.
    public boolean canRun(Collection<String> models) {
        return canRun(models, List.of());
    }

    /// Whether a live worker has all of these files, each as `folder/name`, and node classes.
    public boolean canRun(Collection<String> models, Collection<String> nodeClasses) {
        return live().workers().stream().anyMatch(worker -> worker.has(models, nodeClasses));
    }

    public Set<String> samplers() {
        return live().samplers();
    }

    public Set<String> schedulers() {
        return live().schedulers();
    }
}
