package dev.comfyapi.api.catalogue;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;

import dev.comfyapi.db.catalogue.FleetStore;
import dev.comfyapi.db.catalogue.FleetStore.Installation;
import dev.comfyapi.db.operator.PoolStore;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.workflow.NodeCatalogue;

import org.springframework.stereotype.Component;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.util.ArrayList;
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

    /// Numbers go out as they came in.
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    /// Stands for all pools; no pool is called so.
    private static final String ALL = "";

    private final FleetStore store;
    private final PoolStore pools;
    private final LoadingCache<String, Fleet> live;
    private final LoadingCache<String, Fleet> remembered;
    private final LoadingCache<String, Map<String, Integer>> medians;

    /// An installation never changes under its hash.
    private final Cache<String, Installation> installations =
            Caffeine.newBuilder().maximumSize(200).build();

    /// By the hashes of the installations. Descriptions are large, and a fleet has few kinds.
    private final Cache<Set<String>, NodeCatalogue> nodes =
            Caffeine.newBuilder().maximumSize(16).build();

    FleetCatalogue(FleetStore store, PoolStore pools, CatalogueProperties properties) {
        this.store = store;
        this.pools = pools;
        var keeping = Caffeine.newBuilder().expireAfterWrite(properties.keep()).maximumSize(100);
        this.live = keeping.build(pool -> fleet(of(pool, store.live()), false));
        this.remembered = keeping.build(pool -> fleet(of(pool, store.remembered()), true));
        this.medians = keeping.build(_ -> store.medianExecutionMs());
    }

    private static List<FleetStore.Worker> of(String pool, List<FleetStore.Worker> workers) {
        return pool.equals(ALL)
                ? workers
                : workers.stream().filter(worker -> worker.pool().equals(pool)).toList();
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

    /// All live workers; while there are none, those of the last days as they were when last seen.
    public Fleet known() {
        return known(ALL);
    }

    private Fleet known(String pool) {
        var now = live.get(pool);
        return now.workers().isEmpty() ? remembered.get(pool) : now;
    }

    /// What the workers of a pool have; to be asked for pools that [#hasPool] only.
    public PoolCatalogue ofPool(String pool) {
        return new PoolCatalogue(pool, live.get(pool), () -> known(pool));
    }

    /// Whether jobs may name this pool: an operator made it, a live worker is of it, or it is the
    /// usual one.
    public boolean hasPool(String name) {
        return name.equals(JobClass.DEFAULT_POOL)
                || live.get(ALL).workers().stream().anyMatch(worker -> worker.pool().equals(name))
                || pools.find(name).isPresent();
    }

    /// All pools that jobs may name.
    public Set<String> pools() {
        var names = new TreeSet<String>();
        names.add(JobClass.DEFAULT_POOL);
        live.get(ALL).workers().forEach(worker -> names.add(worker.pool()));
        pools.all().forEach(pool -> names.add(pool.name()));
        return names;
    }

    /// How long the newest jobs of each model took: milliseconds of GPU time, by `folder/name`.
    public Map<String, Integer> medianExecutionMs() {
        return medians.get(ALL);
    }
}
