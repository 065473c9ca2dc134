package dev.comfyapi.api.submit;

import io.swagger.v3.oas.annotations.media.Schema;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/// Describes the body of a prompt request for the OpenAPI document; [PromptForm] reads the real
/// one.
@Schema(name = "PromptRequest", additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
record PromptBody(
        @Schema(
                        requiredMode = Schema.RequiredMode.REQUIRED,
                        minLength = 1,
                        maxLength = 5000,
                        description = "What to paint; white space around it is removed",
                        example = "a red fox in the snow")
                String prompt,
        @Schema(maxLength = 2000, description = "What to avoid", defaultValue = "")
                String negativePrompt,
        @Schema(minimum = "64", maximum = "2048", multipleOf = 8, defaultValue = "512")
                Integer width,
        @Schema(minimum = "64", maximum = "2048", multipleOf = 8, defaultValue = "512")
                Integer height,
        @Schema(minimum = "1", maximum = "150", defaultValue = "20") Integer steps,
        @Schema(minimum = "1.0", maximum = "30.0", description = "7.0 unless given")
                BigDecimal cfgScale,
        @Schema(
                        description = "A ComfyUI sampler, or a common alias such as euler_a",
                        defaultValue = "euler_ancestral")
                String sampler,
        @Schema(
                        description =
                                "A ComfyUI scheduler; normal unless the sampler's alias implies another")
                String scheduler,
        @Schema(
                        description =
                                "0 to 18446744073709551615, as a number or a string of digits; -1 or null"
                                        + " draws one",
                        types = {"integer", "string", "null"},
                        example = "8675309")
                Object seed,
        @Schema(
                        maxLength = 255,
                        description =
                                "Checkpoint file; the configured one, or the fleet's first, by default")
                String model,
        @Schema(minimum = "1", maximum = "4", defaultValue = "1") Integer batchSize,
        @Schema(minimum = "1", maximum = "4", description = "Another name of batch_size")
                Integer numImages,
        @Schema(description = "At most 5, applied one after the other") List<LoraBody> loras,
        @Schema(minimum = "-2", maximum = "2", defaultValue = "0", description = "2 comes first")
                Integer priority,
        @Schema(description = "Not started before this time") Instant runAfter,
        @Schema(
                        minimum = "1",
                        maximum = "2592000",
                        description = "Expires when not started by then")
                Integer startWithinS,
        @Schema(minimum = "1", maximum = "86400", description = "Longest run of one attempt")
                Integer maxExecutionS,
        @Schema(
                        minimum = "1",
                        maximum = "10",
                        description = "Failed attempts that end the job; 1 turns retries off")
                Integer maxAttempts,
        OutputBody output,
        @Schema(description = "Your own data, returned as it came: at most 16 texts")
                Map<String, String> metadata,
        @Schema(description = "At most 16, each of at most 64 characters") List<String> tags) {

    @Schema(name = "Lora")
    record LoraBody(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, maxLength = 255) String name,
            @Schema(minimum = "-100", maximum = "100", description = "1.0 unless given")
                    BigDecimal strength) {}

    @Schema(name = "Output")
    record OutputBody(
            @Schema(
                            allowableValues = {"strip", "embed"},
                            defaultValue = "strip",
                            description = "Whether PNG files keep prompt and graph as text")
                    String metadata,
            @Schema(minimum = "60", maximum = "31536000") Integer retentionS) {}

    /// Describes the body of a batch.
    @Schema(name = "BatchRequest", additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
    record BatchBody(
            @Schema(
                            requiredMode = Schema.RequiredMode.REQUIRED,
                            description = "1 to 10 prompt requests")
                    List<PromptBody> requests,
            @Schema(
                            defaultValue = "false",
                            description = "Let the valid ones run when some are not")
                    Boolean partial) {}
}
