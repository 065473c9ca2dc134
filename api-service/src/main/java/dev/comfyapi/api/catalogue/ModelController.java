package dev.comfyapi.api.catalogue;

import dev.comfyapi.db.catalogue.FleetStore;
import dev.comfyapi.db.catalogue.FleetStore.Model;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.util.List;

/// The models that jobs can ask for.
@RestController
@Tag(name = "catalogue", description = "What the fleet has")
final class ModelController {

    private final FleetCatalogue catalogue;
    private final FleetStore fleet;

    ModelController(FleetCatalogue catalogue, FleetStore fleet) {
        this.catalogue = catalogue;
        this.fleet = fleet;
    }

    /// @param kind ComfyUI's model folder
    /// @param workers live workers that have it
    /// @param loaded live workers that ran it last: no time is lost loading it there
    record ModelView(String name, String kind, int workers, int loaded) {
        static ModelView of(Model model) {
            return new ModelView(model.name(), model.folder(), model.workers(), model.loaded());
        }
    }

    /// @param stale whether no worker is live, and this is what the last ones had
    record Models(List<ModelView> models, boolean stale) {
        Models {
            models = List.copyOf(models);
        }
    }

    @GetMapping(
            path = {"/api/v1/models", "/models"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "List the fleet's models")
    Models models(
            @Parameter(description = "Only this model folder, such as `checkpoints`")
                    @RequestParam(name = "kind", required = false)
                    @Nullable String kind) {
        var live = catalogue.live();
        boolean stale = live.isEmpty();
        var shown = stale ? fleet.models(false) : live;
        return new Models(
                shown.stream()
                        .filter(model -> kind == null || model.folder().equals(kind))
                        .map(ModelView::of)
                        .toList(),
                stale);
    }
}
