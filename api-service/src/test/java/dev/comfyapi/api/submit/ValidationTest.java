package dev.comfyapi.api.submit;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every member of a prompt request, with what is refused and what is accepted.
class ValidationTest {

    private final Api api = Api.shared();

    @BeforeEach
    void bring() {
        api.anAsset();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    "prompt": 7                            | invalid_type #/prompt
                    "prompt": null                         | required #/prompt
                    "prompt": "   "                        | too_short #/prompt
                    "negative_prompt": []                  | invalid_type #/negative_prompt
                    "width": 63                            | out_of_range #/width
                    "width": 2049                          | out_of_range #/width
                    "width": 100                           | not_a_multiple #/width
                    "width": "512"                         | invalid_type #/width
                    "width": 512.0                         | invalid_type #/width
                    "width": 1e999999999                   | invalid_type #/width
                    "height": 0                            | out_of_range #/height
                    "height": -8                           | out_of_range #/height
                    "steps": 0                             | out_of_range #/steps
                    "steps": 151                           | out_of_range #/steps
                    "steps": true                          | invalid_type #/steps
                    "cfg_scale": 0.99                      | out_of_range #/cfg_scale
                    "cfg_scale": 30.01                     | out_of_range #/cfg_scale
                    "cfg_scale": 1e400                     | out_of_range #/cfg_scale
                    "cfg_scale": "7"                       | invalid_type #/cfg_scale
                    "sampler": "eulr"                      | invalid_value #/sampler
                    "sampler": ""                          | too_short #/sampler
                    "scheduler": "karas"                   | invalid_value #/scheduler
                    "seed": 18446744073709551616           | out_of_range #/seed
                    "seed": "18446744073709551616"         | out_of_range #/seed
                    "seed": -2                             | out_of_range #/seed
                    "seed": 1.0                            | invalid_type #/seed
                    "seed": "1.0"                          | invalid_value #/seed
                    "seed": "fox"                          | invalid_value #/seed
                    "seed": {}                             | invalid_type #/seed
                    "model": ""                            | too_short #/model
                    "model": "../../etc/passwd"            | invalid_value #/model
                    "batch_size": 0                        | out_of_range #/batch_size
                    "batch_size": 5                        | out_of_range #/batch_size
                    "num_images": 5                        | out_of_range #/num_images
                    "batch_size": 1, "num_images": 2       | conflict #/num_images
                    "loras": {}                            | invalid_type #/loras
                    "loras": ["x"]                         | invalid_type #/loras/0
                    "loras": [{}]                          | required #/loras/0/name
                    "loras": [{"name": "a", "strength": 101}]  | out_of_range #/loras/0/strength
                    "loras": [{"name": "a", "weight": 1}]  | unknown_field #/loras/0/weight
                    "loras": [1, 2, 3, 4, 5, 6]            | too_many #/loras
                    "priority": 3                          | out_of_range #/priority
                    "priority": -3                         | out_of_range #/priority
                    "run_after": "tomorrow"                | invalid_value #/run_after
                    "run_after": "2999-01-01T00:00:00Z"    | out_of_range #/run_after
                    "run_after": 5                         | invalid_type #/run_after
                    "start_within_s": 0                    | out_of_range #/start_within_s
                    "max_execution_s": 86401               | out_of_range #/max_execution_s
                    "max_attempts": 0                      | out_of_range #/max_attempts
                    "max_attempts": 11                     | out_of_range #/max_attempts
                    "output": []                           | invalid_type #/output
                    "output": {"metadata": "keep"}         | invalid_value #/output/metadata
                    "output": {"retention_s": 59}          | out_of_range #/output/retention_s
                    "output": {"format": "png"}            | unknown_field #/output/format
                    "metadata": {"a": 1}                   | invalid_type #/metadata/a
                    "metadata": {"a/b~": 1}                | invalid_type #/metadata/a~1b~0
                    "metadata": {"": "x"}                  | too_short #/metadata/
                    "metadata": []                         | invalid_type #/metadata
                    "tags": ["", "a"]                      | too_short #/tags/0
                    "tags": "a"                            | invalid_type #/tags
                    "workflow_template": "x"               | not_supported #/workflow_template
                    "inputs": {}                           | not_supported #/inputs
                    "init_image": "asset://x" | invalid_reference #/init_image
                    "init_image": "fox.png" | invalid_reference #/init_image
                    "init_image": 7 | invalid_type #/init_image
                    "init_image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f", "strength": 1.01 | out_of_range #/strength
                    "init_image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f", "strength": -0.1 | out_of_range #/strength
                    "init_image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f", "mask": "x" | invalid_reference #/mask
                    "init_image": null, "mask": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f" | needs_member #/mask
                    "strength": 0.5 | needs_member #/strength
                    "controlnet": {} | invalid_type #/controlnet
                    "controlnet": [1, 2, 3, 4] | too_many #/controlnet
                    "controlnet": ["x"] | invalid_type #/controlnet/0
                    "controlnet": [{"image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f"}] | required #/controlnet/0/model
                    "controlnet": [{"model": "c"}] | required #/controlnet/0/image
                    "controlnet": [{"model": "../c", "image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f"}] | invalid_value #/controlnet/0/model
                    "controlnet": [{"model": "c", "image": "x"}] | invalid_reference #/controlnet/0/image
                    "controlnet": [{"model": "c", "image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f", "strength": 10.1}] | out_of_range #/controlnet/0/strength
                    "controlnet": [{"model": "c", "image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f", "start": 0.6, "end": 0.5}] | out_of_range #/controlnet/0/end
                    "controlnet": [{"model": "c", "image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f", "weight": 1}] | unknown_field #/controlnet/0/weight
                    "upscale": [] | invalid_type #/upscale
                    "upscale": {} | required #/upscale/factor
                    "upscale": {"denoise": 0.5} | required #/upscale/factor
                    "upscale": {"factor": 0.9} | out_of_range #/upscale/factor
                    "upscale": {"factor": 4.1} | out_of_range #/upscale/factor
                    "upscale": {"factor": 4, "scale": 1} | unknown_field #/upscale/scale
                    "upscale": {"factor": 2, "denoise": 1.1} | out_of_range #/upscale/denoise
                    "upscale": {"factor": 3}, "height": 2048 | out_of_range #/upscale/factor
                    "upscale": {"model": "u", "factor": 2} | conflict #/upscale/factor
                    "upscale": {"model": "u", "denoise": 0.1} | conflict #/upscale/denoise
                    "upscale": {"model": "/u"} | invalid_value #/upscale/model
                    "webhook": []                          | invalid_type #/webhook
                    "webhook": {}                          | required #/webhook/url
                    "webhook": {"url": "http://1.1.1.1/"}  | url_not_allowed #/webhook/url
                    "webhook": {"url": "https://10.0.0.1/"} | url_not_allowed #/webhook/url
                    "webhook": {"url": "https://1.1.1.1/", "events": []} | too_few #/webhook/events
                    "webhook": {"url": "https://1.1.1.1/", "events": ["job.done"]} | invalid_value #/webhook/events/0
                    "webhook": {"url": "https://1.1.1.1/", "events": ["quota.threshold"]} | not_supported #/webhook/events/0
                    "webhook": {"url": "https://1.1.1.1/", "events": ["batch.completed"]} | invalid_value #/webhook/events/0
                    "webhook": {"url": "https://1.1.1.1/", "event": "x"} | unknown_field #/webhook/event
                    "pool": "big"                          | invalid_value #/pool
                    "pool": "-big"                         | invalid_value #/pool
                    "pool": ""                             | too_short #/pool
                    "pool": 7                              | invalid_type #/pool
                    "cache": "never"                       | invalid_value #/cache
                    "promt": "x"                           | unknown_field #/promt
                    """)
    void a_bad_member_is_named_and_nothing_is_stored(String member, String error) {
        long before = api.storedJobs();
        var prompt = member.contains("\"prompt\"") ? "" : "\"prompt\": \"a fox\", ";
        var model = member.startsWith("\"model\"") ? "" : "\"model\": \"a\", ";

        var answer = api.post("/api/v1/jobs", "{" + prompt + model + member + "}");

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.errors()).containsExactly(error);
        assertThat(answer.at("/errors/0/detail")).isNotEmpty();
        assertThat(api.storedJobs()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"seed\": null",
                "\"seed\": -1",
                "\"seed\": \"-1\"",
                "\"cfg_scale\": 1",
                "\"cfg_scale\": 30.0",
                "\"width\": 64, \"height\": 2048",
                "\"steps\": 150",
                "\"pool\": \"default\"",
                "\"cache\": \"auto\"",
                "\"cache\": \"bypass\"",
                "\"init_image\": null",
                "\"batch_size\": 4, \"num_images\": 4",
                "\"loras\": []",
                "\"loras\": [{\"name\": \"a.safetensors\", \"strength\": -0.5}]",
                "\"init_image\": \"asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f\", \"strength\": 0",
                "\"init_image\": \"asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f\", \"mask\": \"asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f\"",
                "\"controlnet\": []",
                "\"controlnet\": [{\"model\": \"c\", \"image\": \"asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f\", \"start\": 0.5, \"end\": 0.5}]",
                "\"upscale\": {\"model\": \"u\"}",
                "\"upscale\": {\"factor\": 4.0, \"denoise\": 1}, \"width\": 1024",
                "\"upscale\": {\"model\": null, \"factor\": 1}",
                "\"output\": {\"metadata\": \"embed\", \"retention_s\": 60}",
                "\"run_after\": \"2020-01-01T00:00:00+02:00\"",
                "\"start_within_s\": 60, \"max_execution_s\": 600, \"max_attempts\": 1",
                "\"negative_prompt\": \"\"",
                "\"tags\": [\"a\", \"b\"], \"metadata\": {\"k\": \"\"}"
            })
    void what_is_allowed_is_accepted(String member) {
        assertThat(api.post("/api/v1/jobs", aPrompt(member)).status()).isEqualTo(202);
    }

    @Test
    void all_mistakes_are_reported_at_once() {
        var answer =
                api.post(
                        "/api/v1/generate",
                        "{\"width\": 9000, \"steps\": \"x\", \"promt\": \"a\", \"mask\": \"asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f\"}");

        assertThat(answer.errors())
                .contains(
                        "required #/prompt",
                        "out_of_range #/width",
                        "invalid_type #/steps",
                        "unknown_field #/promt",
                        "needs_member #/mask");
        assertThat(answer.at("/code")).isEqualTo("validation_failed");
        assertThat(answer.at("/type")).isEqualTo("/problems/validation_failed");
        assertThat(answer.at("/instance")).isEqualTo("/api/v1/generate");
        assertThat(answer.at("/request_id")).isEqualTo(answer.header("X-Request-Id"));
        assertThat(answer.json().path("errors"))
                .anySatisfy(error ->
                        assertThat(error.at("/params/max").asString("")).isEqualTo("2048"));
    }

    @Test
    void the_nearest_known_name_is_offered() {
        var answer = api.post("/api/v1/jobs", aPrompt("\"promt\": \"x\""));

        assertThat(answer.at("/code")).isEqualTo("unknown_field");
        assertThat(answer.at("/errors/0/detail")).contains("prompt");
        assertThat(answer.at("/errors/0/params/nearest")).isEqualTo("prompt");
    }

    @Test
    void a_body_that_is_no_object_is_refused() {
        assertThat(api.post("/api/v1/jobs", "[]").errors()).contains("invalid_type #");
        assertThat(api.post("/api/v1/generate/batch", "7").errors()).contains("invalid_type #");
        assertThat(api.post("/api/v1/jobs", "null").status()).isEqualTo(422);
    }

    @Test
    void lengths_count_characters_and_not_bytes() {
        var longest = "🦊".repeat(5_000);

        var accepted =
                api.post(
                        "/api/v1/jobs",
                        "{\"prompt\": \"%s\", \"model\": \"a\"}".formatted(longest));
        var refused =
                api.post(
                        "/api/v1/jobs",
                        "{\"prompt\": \"%s!\", \"model\": \"a\"}".formatted(longest));

        assertThat(accepted.status()).isEqualTo(202);
        assertThat(accepted.at("/params/prompt")).isEqualTo(longest);
        assertThat(refused.errors()).containsExactly("too_long #/prompt");
        assertThat(refused.at("/errors/0/params/actual")).isEqualTo("5001");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "9007199254740993, 9007199254740993",
        "9223372036854775808, 9223372036854775808",
        "18446744073709551615, 18446744073709551615",
        "'\"18446744073709551615\"', 18446744073709551615"
    })
    void a_seed_keeps_all_its_digits(String written, String shown) {
        var answer = api.post("/api/v1/jobs", aPrompt("\"seed\": " + written));
        var graph =
                api.jdbc()
                        .sql("SELECT convert_from(graph, 'UTF8') FROM job WHERE id = :id")
                        .param("id", answer.job().value())
                        .query(String.class)
                        .single();

        assertThat(answer.json().at("/params/seed").isString()).isTrue();
        assertThat(answer.at("/params/seed")).isEqualTo(shown);
        assertThat(graph).contains("\"seed\":" + shown);
    }

    @Test
    void defaults_are_filled_in_and_a_seed_is_drawn() {
        var one = api.post("/api/v1/jobs", aPrompt());
        var two = api.post("/api/v1/jobs", aPrompt("\"seed\": -1"));

        assertThat(one.json().path("params").toString())
                .contains(
                        "\"width\":512",
                        "\"height\":512",
                        "\"steps\":20",
                        "\"cfg_scale\":7.0",
                        "\"sampler\":\"euler_ancestral\"",
                        "\"scheduler\":\"normal\"",
                        "\"batch_size\":1",
                        "\"negative_prompt\":\"\"");
        assertThat(one.at("/params/seed")).isNotEqualTo(two.at("/params/seed"));
    }

    @Test
    void an_alias_of_a_sampler_implies_its_scheduler_unless_one_is_given() {
        var implied = api.post("/api/v1/jobs", aPrompt("\"sampler\": \"DPM++ 2M Karras\""));
        var given =
                api.post(
                        "/api/v1/jobs",
                        aPrompt("\"sampler\": \"DPM++ 2M Karras\", \"scheduler\": \"simple\""));

        assertThat(implied.at("/params/sampler")).isEqualTo("dpmpp_2m");
        assertThat(implied.at("/params/scheduler")).isEqualTo("karras");
        assertThat(given.at("/params/scheduler")).isEqualTo("simple");
    }

    @Test
    void what_the_fleet_has_decides_about_models_and_names() {
        try (var own = Api.fresh()) {
            own.anAsset();
            var nothingKnown = own.post("/api/v1/jobs", "{\"prompt\": \"a fox\"}");
            var unchecked = own.post("/api/v1/jobs", "{\"prompt\": \"a fox\", \"model\": \"any\"}");
            var worker =
                    own.aWorker("w", "checkpoints/b_model.safetensors", "loras/soft.safetensors");

            var usual = own.post("/api/v1/jobs", "{\"prompt\": \"a fox\"}");
            var missing =
                    own.post(
                            "/api/v1/jobs",
                            "{\"prompt\": \"a fox\", \"model\": \"a_model.safetensors\", \"loras\":"
                                    + " [{\"name\": \"sift.safetensors\"}]}");
            var names =
                    own.post(
                            "/api/v1/jobs",
                            "{\"prompt\": \"a fox\", \"sampler\": \"fleet_sampler\", \"scheduler\":"
                                    + " \"fleet_scheduler\"}");
            own.leave(worker);
            var lastKnown = own.post("/api/v1/jobs", "{\"prompt\": \"a fox\"}");

            assertThat(nothingKnown.errors()).containsExactly("required #/model");
            assertThat(unchecked.status()).isEqualTo(202);
            assertThat(unchecked.json().at("/queue/feasible").booleanValue()).isFalse();
            assertThat(unchecked.at("/queue/reason")).isEqualTo("waiting_capable_worker");
            assertThat(usual.at("/params/model")).isEqualTo("b_model.safetensors");
            assertThat(missing.errors())
                    .containsExactlyInAnyOrder(
                            "model_not_available #/model", "model_not_available #/loras/0/name");
            assertThat(missing.text()).contains("b_model.safetensors", "soft.safetensors");
            assertThat(names.status()).isEqualTo(202);
            assertThat(lastKnown.at("/params/model")).isEqualTo("b_model.safetensors");
        }
    }

    @Test
    void a_start_in_the_future_is_scheduled() {
        var answer =
                api.post(
                        "/api/v1/jobs",
                        aPrompt(
                                "\"run_after\": \"%s\", \"start_within_s\": 60"
                                        .formatted(java.time.Instant.now().plusSeconds(86_400))));

        assertThat(answer.at("/status")).isEqualTo("scheduled");
        assertThat(answer.json().path("queued_at").isNull()).isTrue();
        assertThat(answer.at("/start_by")).isGreaterThan(answer.at("/run_after"));
    }
}
