package dev.comfyapi.api.catalogue;

import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.util.List;
import java.util.Map;

/// The models that jobs can ask for.
@RestController
@Tag(name = "catalogue", description = "What the fleet has")
final class ModelController {

    private final FleetCatalogue catalogue;

    ModelController(FleetCatalogue catalogue) {
        this.catalogue = catalogue;
    }

    /// @param name what requests call it
    /// @param path folder and name
    /// @param type what kind of model it is, such as `checkpoint`
    /// @param size bytes; null: ComfyUI tells it by an experimental route alone, with paths of its
    ///   host and for the price of a look at every file, so it is not asked
    /// @param workersAvailable live workers that have it
    /// @param workersLoaded live workers that ran it last: no time is lost loading it there
    /// @param medianExecutionMs GPU time that half of the newest jobs with it needed at most; null
    ///   without any
    record ModelView(
            String name,
            String path,
            String type,
            @Nullable Long size,
            int workersAvailable,
            int workersLoaded,
            @Nullable Integer medianExecutionMs) {

        static ModelView of(Fleet.Model model, boolean stale, Map<String, Integer> medians) {
            return new ModelView(
                    model.name(),
                    model.path(),
                    ModelKind.of(model.folder()),
                    null,
                    stale ? 0 : model.workers(),
                    stale ? 0 : model.loaded(),
                    medians.get(model.path()));
        }

        boolean is(@Nullable String kind) {
            return kind == null || kind.equals(type) || path.startsWith(kind + "/");
        }
    }

    /// @param stale whether no worker is live, and this is what the last ones had
    record Models(List<ModelView> models, int total, boolean stale) {
        Models {
            models = List.copyOf(models);
        }
    }

    @Requires(Scope.MODELS_READ)
    @GetMapping(
            path = {"/api/v1/models", "/models"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "List the fleet's models")
    Models models(
            @Parameter(
                            description =
                                    "Only models of this type, such as `checkpoint`, or of this"
                                            + " folder of ComfyUI")
                    @RequestParam(name = "kind", required = false)
                    @Nullable String kind) {
        var fleet = catalogue.known();
        var medians = catalogue.medianExecutionMs();
        var models =
                fleet.models().stream()
                        .map(model -> ModelView.of(model, fleet.stale(), medians))
                        .filter(model -> model.is(kind))
                        .toList();
        return new Models(models, models.size(), fleet.stale());
    }
}
