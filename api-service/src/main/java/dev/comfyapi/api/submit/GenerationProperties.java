package dev.comfyapi.api.submit;

import dev.comfyapi.model.generation.ModelFamily;
import dev.comfyapi.model.generation.ModelPart;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.util.List;
import java.util.Map;

/// How files of models are told apart by their names. In patterns `*` is any text, `?` any
/// character; case does not matter.
///
/// @param families patterns by family (`sd15`, `sdxl`, `sd3`, `flux`, `flux-schnell`) in place of
///   the shipped ones
/// @param parts patterns by part (`clip-l`, `clip-g`, `t5xxl`, `flux-vae`, `sd3-vae`), preferred
///   ones first, in place of the shipped ones
/// @param wholeCheckpoints patterns of SD3 checkpoints that have their text encoders inside
@ConfigurationProperties("comfyapi.submit")
record GenerationProperties(
        @DefaultValue Map<ModelFamily, List<String>> families,
        @DefaultValue Map<ModelPart, List<String>> parts,
        @DefaultValue({"*incl*", "*t5*", "*fp8_scaled*"}) List<String> wholeCheckpoints) {

    GenerationProperties {
        families = Map.copyOf(families);
        parts = Map.copyOf(parts);
        wholeCheckpoints = List.copyOf(wholeCheckpoints);
    }
}
