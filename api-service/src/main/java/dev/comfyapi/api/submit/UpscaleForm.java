package dev.comfyapi.api.submit;

import dev.comfyapi.api.catalogue.PoolCatalogue;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.model.generation.GenerationRequest;
import dev.comfyapi.model.generation.GenerationRequest.Upscale;

import org.springframework.stereotype.Component;

import java.math.BigDecimal;
import java.util.Map;
import java.util.Optional;

/// Reads how a request wants its pictures enlarged.
@Component
final class UpscaleForm {

    /// Empty when they are to stay as they are.
    ///
    /// @param width of the picture before, in pixels
    Optional<Upscale> read(PoolCatalogue fleet, Members members, int width, int height) {
        if (!members.has("upscale")) {
            return Optional.empty();
        }
        int before = members.problems().all().size();
        var upscale = members.nested("upscale");
        boolean byModel = upscale.has("model");
        var factor =
                upscale.decimal(
                        "factor", Upscale.SecondPass.MIN_FACTOR, Upscale.SecondPass.MAX_FACTOR);
        var denoise = upscale.decimal("denoise", BigDecimal.ZERO, BigDecimal.ONE);
        if (byModel) {
            var model = FleetNames.file(fleet, upscale, "model", "upscale_models");
            refuseBesideModel(upscale, "factor");
            refuseBesideModel(upscale, "denoise");
            upscale.end();
            return model.map(Upscale.ByModel::new);
        }
        upscale.end();
        if (!upscale.has("factor") && members.problems().all().size() == before) {
            upscale.problems()
                    .add(
                            upscale.pointer("factor"),
                            "required",
                            "is required, unless a model is given that decides it");
        }
        return factor.map(by ->
                checked(
                        upscale,
                        new Upscale.SecondPass(
                                by, denoise.orElse(Upscale.SecondPass.DEFAULT_DENOISE)),
                        Math.max(width, height)));
    }

    private static void refuseBesideModel(Members upscale, String member) {
        if (upscale.has(member)) {
            upscale.problems()
                    .add(
                            upscale.pointer(member),
                            "conflict",
                            "is for a second pass: give model, or factor and denoise");
        }
    }

    private static Upscale checked(Members upscale, Upscale.SecondPass pass, int longestSide) {
        int enlarged = pass.enlarged(longestSide);
        if (enlarged > GenerationRequest.MAX_ENLARGED_SIZE) {
            upscale.problems()
                    .add(
                            upscale.pointer("factor"),
                            "out_of_range",
                            "must leave no side longer than %d pixels"
                                    .formatted(GenerationRequest.MAX_ENLARGED_SIZE),
                            Map.of(
                                    "max_side",
                                    GenerationRequest.MAX_ENLARGED_SIZE,
                                    "actual_side",
                                    enlarged));
        }
        return pass;
    }
}
