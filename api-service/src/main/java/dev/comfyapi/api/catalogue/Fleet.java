package dev.comfyapi.api.catalogue;

import dev.comfyapi.db.catalogue.FleetStore;
import dev.comfyapi.model.workflow.NodeCatalogue;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/// Workers and what they have, at one moment.
///
/// @param stale whether none of them lives, and this is what they had when last seen
/// @param nodes all classes that any of them has
public record Fleet(List<Worker> workers, boolean stale, NodeCatalogue nodes) {

    public Fleet {
        workers = List.copyOf(workers);
    }

    /// One worker.
    ///
    /// @param loaded the main model its ComfyUI ran last, as `folder/name`
    public record Worker(
            String name,
            String pool,
            @Nullable String loaded,
            FleetStore.Installation installation) {

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

    /// Names of the files in one of ComfyUI's model folders.
    public Set<String> names(String folder) {
        var names = new TreeSet<String>();
        for (var worker : workers) {
            for (var path : worker.installation().models()) {
                if (path.startsWith(folder + "/")) {
                    names.add(path.substring(folder.length() + 1));
                }
            }
        }
        return names;
    }

    /// How many workers have a node class.
    int workersWith(String nodeClass) {
        return (int)
                workers.stream()
                        .filter(worker -> worker.installation().nodes().contains(nodeClass))
                        .count();
    }

    Set<String> samplers() {
        return union(FleetStore.Installation::samplers);
    }

    Set<String> schedulers() {
        return union(FleetStore.Installation::schedulers);
    }

    private Set<String> union(Function<FleetStore.Installation, Set<String>> part) {
        var all = new TreeSet<String>();
        workers.forEach(worker -> all.addAll(part.apply(worker.installation())));
        return all;
    }
}
