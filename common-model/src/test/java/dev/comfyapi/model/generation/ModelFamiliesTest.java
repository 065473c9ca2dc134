package dev.comfyapi.model.generation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Map;

class ModelFamiliesTest {

    @ParameterizedTest
    @CsvSource({
        "sd15.safetensors, SD15",
        "v1-5-pruned-emaonly.safetensors, SD15",
        "dreamshaper_8.safetensors, SD15",
        "sd_xl_base_1.0.safetensors, SDXL",
        "juggernautXL_v9.safetensors, SDXL",
        "ponyDiffusionV6.safetensors, SDXL",
        "sd3.5_large.safetensors, SD3",
        "sd3_medium_incl_clips_t5xxlfp8.safetensors, SD3",
        "stable-diffusion-3-medium.safetensors, SD3",
        "flux1-dev-fp8.safetensors, FLUX",
        "FLUX/Flux1-Dev.safetensors, FLUX",
        "flux1-schnell.safetensors, FLUX_SCHNELL"
    })
    void a_family_is_known_by_the_name_of_its_files(String file, ModelFamily family) {
        assertThat(new ModelFamilies(Map.of()).of(file)).isEqualTo(family);
    }

    @Test
    void given_patterns_replace_the_shipped_ones_of_their_family_only() {
        var families = new ModelFamilies(Map.of(ModelFamily.FLUX, List.of("*chroma*", "f?.ckpt")));

        assertThat(families.of("Chroma-v1.safetensors")).isEqualTo(ModelFamily.FLUX);
        assertThat(families.of("folder/f1.ckpt")).isEqualTo(ModelFamily.FLUX);
        assertThat(families.of("f11.ckpt")).isEqualTo(ModelFamily.SD15);
        assertThat(families.of("flux1-dev.safetensors")).isEqualTo(ModelFamily.SD15);
        assertThat(families.of("flux1-schnell.safetensors")).isEqualTo(ModelFamily.FLUX_SCHNELL);
    }

    @Test
    void characters_other_than_the_two_wildcards_mean_themselves() {
        var families = new ModelFamilies(Map.of(ModelFamily.SDXL, List.of("a.b[1]+\\Q*")));

        assertThat(families.of("A.B[1]+\\Qx")).isEqualTo(ModelFamily.SDXL);
        assertThat(families.of("aXb[1]+\\Qx")).isEqualTo(ModelFamily.SD15);
    }

    @Test
    void the_preferred_file_of_a_part_is_taken() {
        var parts = new ModelParts(Map.of(ModelPart.CLIP_L, List.of("mine.*")), List.of("*incl*"));
        var files =
                List.of("t5xxl_fp8.safetensors", "t5xxl_fp16.safetensors", "flux/ae.safetensors");

        assertThat(parts.find(ModelPart.T5XXL, files)).contains("t5xxl_fp16.safetensors");
        assertThat(parts.find(ModelPart.FLUX_VAE, files)).contains("flux/ae.safetensors");
        assertThat(parts.find(ModelPart.CLIP_L, List.of("clip_l.safetensors"))).isEmpty();
        assertThat(parts.areInside("sd3_incl_clips.safetensors")).isTrue();
        assertThat(parts.areInside("sd3.safetensors")).isFalse();
    }
}
