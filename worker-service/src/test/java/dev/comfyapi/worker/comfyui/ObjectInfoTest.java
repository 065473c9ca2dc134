package dev.comfyapi.worker.comfyui;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import tools.jackson.databind.JsonNode;

class ObjectInfoTest {

    private static JsonNode info(String files) {
        return ComfyUi.JSON.readTree(
                """
                {"LoadImage": {"input": {"required": {"image": [[%1$s], {"image_upload": true}]}}},
                 "LoadVideo": {"input": {"required": {"file": ["COMBO", {"options": [%1$s], "video_upload": true}]}}},
                 "LoadLatent": {"input": {"required": {"latent": [[%1$s]]}}},
                 "KSampler": {"input": {"required": {"sampler_name": [["euler", "heun"], {}],
                                                     "cfg": ["FLOAT", {"max": Infinity, "min": 0.0}]}}}}
                """
                        .formatted(files));
    }

    @Test
    void files_that_jobs_bring_change_nothing() {
        var without = ObjectInfo.stable(info(""));
        var with = ObjectInfo.stable(info("\"a.png\", \"b.png\""));

        assertThat(with.toString()).isEqualTo(without.toString());
    }

    @Test
    void choices_stay_and_the_text_is_plain_json() {
        var stable = ObjectInfo.stable(info("\"a.png\"")).toString();

        assertThat(stable).contains("[\"euler\",\"heun\"]").doesNotContain("a.png");
        assertThat(tools.jackson.databind.json.JsonMapper.shared().readTree(stable).size())
                .isEqualTo(4);
    }
}
