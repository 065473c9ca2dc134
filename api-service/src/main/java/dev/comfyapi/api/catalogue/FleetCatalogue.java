package dev.comfyapi.api.catalogue;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;

import dev.comfyapi.db.catalogue.FleetStore;
import dev.comfyapi.db.catalogue.FleetStore.Model;

import org.springframework.stereotype.Component;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// What the live workers have, as it was a moment ago: every submit asks. Thread-safe.
@Component
public final class FleetCatalogue {

    private static final String CHECKPOINTS = "checkpoints";

    private final FleetStore fleet;
    private final LoadingCache<String, Snapshot> kept;

    FleetCatalogue(FleetStore fleet, CatalogueProperties properties) {
        this.fleet = fleet;
        this.kept =
                Caffeine.newBuilder()
                        .expireAfterWrite(properties.keep())
                        .maximumSize(1)
                        .build(_ -> look());
    }

    /// The fleet at one moment.
    ///
    /// @param last what the last workers had, when none is live
    private record Snapshot(
            List<Model> models, Set<String> paths, FleetStore.Names names, List<Model> last) {}

    private Snapshot look() {
        var models = fleet.models(true);
        var paths =
                models.stream()
                        .map(model -> model.folder() + "/" + model.name())
                        .collect(Collectors.toUnmodifiableSet());
        var last = models.isEmpty() ? fleet.models(false) : models;
        return new Snapshot(models, paths, fleet.names(), last);
    }

    private Snapshot now() {
        return kept.get("");
    }

    /// Models that live workers have.
    List<Model> live() {
        return now().models();
    }

    /// Whether it is known what the live workers have.
    public boolean isKnown() {
        return !now().models().isEmpty();
    }

    /// Names of the files in one of ComfyUI's model folders.
    public List<String> names(String folder) {
        return now().models().stream()
                .filter(model -> model.folder().equals(folder))
                .map(Model::name)
                .toList();
    }

    /// Names of the files in one of ComfyUI's model folders: what live workers have, else what the
    /// last ones had.
    public List<String> lastNames(String folder) {
        return now().last().stream()
                .filter(model -> model.folder().equals(folder))
                .map(Model::name)
                .toList();
    }

    /// The checkpoint for requests that name none: the first by name that live workers have, else
    /// that the fleet had last.
    public Optional<String> firstCheckpoint() {
        return lastNames(CHECKPOINTS).stream().findFirst();
    }

    /// Whether live workers have all of these files, each as `folder/name`.
    public boolean canRun(Collection<String> models) {
        return now().paths().containsAll(models);
    }

    public Set<String> samplers() {
        return now().names().samplers();
    }

    public Set<String> schedulers() {
        return now().names().schedulers();
    }
}
