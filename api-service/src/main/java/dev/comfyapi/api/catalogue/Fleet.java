package dev.comfyapi.api.catalogue;

import dev.comfyapi.db.catalogue.FleetStore.Installation;
import dev.comfyapi.model.workflow.NodeCatalogue;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// Workers and what they have, at one moment. What every request asks is worked out once.
public final class Fleet {

    private final List<Worker> workers;
    private final boolean stale;
    private final NodeCatalogue nodes;
    private final Map<String, Set<String>> names = new TreeMap<>();
    private final Set<String> samplers = new TreeSet<>();
    private final Set<String> schedulers = new TreeSet<>();

    Fleet(List<Worker> workers, boolean stale, NodeCatalogue nodes) {
        this.workers = List.copyOf(workers);
        this.stale = stale;
        this.nodes = nodes;
        // Workers that are alike share an installation.
        var kinds = Collections.newSetFromMap(new IdentityHashMap<Installation, Boolean>());
        workers.forEach(worker -> kinds.add(worker.installation()));
        for (var kind : kinds) {
            kind.models().forEach(this::addName);
            samplers.addAll(kind.samplers());
            schedulers.addAll(kind.schedulers());
        }
    }

    private void addName(String path) {
        int slash = path.indexOf('/');
        if (slash > 0) {
            names.computeIfAbsent(path.substring(0, slash), _ -> new TreeSet<>())
                    .add(path.substring(slash + 1));
        }
    }

    public List<Worker> workers() {
        return workers;
    }

    /// Whether none of the workers lives, and this is what they had when last seen.
    public boolean stale() {
        return stale;
    }

    /// All classes that any of them has.
    public NodeCatalogue nodes() {
        return nodes;
    }

    /// Names of the files in one of ComfyUI's model folders.
    public Set<String> names(String folder) {
        return Collections.unmodifiableSet(names.getOrDefault(folder, Set.of()));
    }

    public Set<String> samplers() {
        return Collections.unmodifiableSet(samplers);
    }

    public Set<String> schedulers() {
        return Collections.unmodifiableSet(schedulers);
    }

    /// One worker.
    ///
    /// @param loaded the main model its ComfyUI ran last, as `folder/name`
    public record Worker(
            String name, String pool, @Nullable String loaded, Installation installation) {

        /// Its files, as `folder/name`.
        public Set<String> models() {
            return installation.models();
        }

        /// Its node classes.
        public Set<String> nodes() {
            return installation.nodes();
        }

        boolean has(Collection<String> models, Collection<String> nodes) {
            return installation.models().containsAll(models)
                    && installation.nodes().containsAll(nodes);
        }

        /// What of this the worker lacks; classes as they are, files as `folder/name`.
        public List<String> missing(Collection<String> models, Collection<String> nodes) {
            var missing = new TreeSet<String>();
            missing.addAll(models);
            missing.removeAll(installation.models());
            nodes.stream().filter(n -> !installation.nodes().contains(n)).forEach(missing::add);
            return List.copyOf(missing);
        }
    }

    /// One model file.
    ///
    /// @param folder ComfyUI's model folder, such as `checkpoints`
    /// @param workers how many workers have it
    /// @param loaded how many of them ran it last
    record Model(String folder, String name, int workers, int loaded) {
        String path() {
            return folder + "/" + name;
        }
    }

    /// By folder and name.
    List<Model> models() {
        var counts = new TreeMap<String, int[]>();
        for (var worker : workers) {
            for (var path : worker.installation().models()) {
                var count = counts.computeIfAbsent(path, _ -> new int[2]);
                count[0]++;
                if (path.equals(worker.loaded())) {
                    count[1]++;
                }
            }
        }
        return counts.entrySet().stream()
                .filter(entry -> entry.getKey().indexOf('/') > 0)
                .map(Fleet::model)
                .toList();
    }

    private static Model model(Map.Entry<String, int[]> entry) {
        int slash = entry.getKey().indexOf('/');
        return new Model(
                entry.getKey().substring(0, slash),
                entry.getKey().substring(slash + 1),
                entry.getValue()[0],
                entry.getValue()[1]);
    }

    /// How many workers have a node class.
    int workersWith(String nodeClass) {
        return (int)
                workers.stream()
                        .filter(worker -> worker.installation().nodes().contains(nodeClass))
                        .count();
    }
}
