package dev.comfyapi.api.submit;

import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.PoolName;

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
        @Schema(
                        maxLength = 2000,
                        description = "What to avoid; Flux does not look at it",
                        defaultValue = "")
                String negativePrompt,
        @Schema(
                        minimum = "64",
                        maximum = "2048",
                        multipleOf = 8,
                        description =
                                "Unless given, what suits the model: 512 for SD 1.5, else 1024")
                Integer width,
        @Schema(
                        minimum = "64",
                        maximum = "2048",
                        multipleOf = 8,
                        description =
                                "Unless given, what suits the model: 512 for SD 1.5, else 1024")
                Integer height,
        @Schema(
                        minimum = "1",
                        maximum = "150",
                        description =
                                "Unless given, what suits the model: 20 for SD 1.5 and Flux, 30 for"
                                        + " SDXL, 28 for SD3, 4 for Flux schnell")
                Integer steps,
        @Schema(
                        minimum = "1.0",
                        maximum = "30.0",
                        description =
                                "How closely to follow the prompt; for Flux its guidance. Unless"
                                        + " given, what suits the model: 7.0 for SD 1.5 and SDXL, 4.5"
                                        + " for SD3, 3.5 for Flux. Flux schnell has none")
                BigDecimal cfgScale,
        @Schema(
                        description =
                                "A ComfyUI sampler, or a common alias such as euler_a. Unless given,"
                                        + " what suits the model: euler_ancestral for SD 1.5, dpmpp_2m"
                                        + " for SDXL and SD3, euler for Flux")
                String sampler,
        @Schema(
                        description =
                                "A ComfyUI scheduler. Unless given, what the sampler's alias implies,"
                                        + " else what suits the model: normal for SD 1.5, karras for"
                                        + " SDXL, sgm_uniform for SD3, simple for Flux")
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
                                "Checkpoint file, or for SD3 and Flux a file of the diffusion_models"
                                        + " folder; the configured one, or the fleet's first"
                                        + " checkpoint, by default. The name tells the family")
                String model,
        @Schema(minimum = "1", maximum = "4", defaultValue = "1") Integer batchSize,
        @Schema(minimum = "1", maximum = "4", description = "Another name of batch_size")
                Integer numImages,
        @Schema(description = "At most 5, applied one after the other") List<LoraBody> loras,
        @Schema(
                        description =
                                "The picture to begin with (image to image): asset://<asset_id> or"
                                        + " job://<job_id>/artifacts/<index>. Cut and scaled to width"
                                        + " and height")
                String initImage,
        @Schema(
                        minimum = "0",
                        maximum = "1",
                        description =
                                "How much of init_image is painted anew, 0.75 unless given; only with"
                                        + " init_image")
                BigDecimal strength,
        @Schema(
                        description =
                                "A grey picture, white where init_image is to be repainted; only with"
                                        + " init_image")
                String mask,
        @Schema(description = "At most 3 pictures that guide the composition")
                List<ControlNetBody> controlnet,
        @Schema(description = "How to enlarge: by a model, or by a second pass (hires fix)")
                UpscaleBody upscale,
        @Schema(minimum = "-2", maximum = "2", defaultValue = "0", description = "2 comes first")
                Integer priority,
        @Schema(
                        maxLength = 63,
                        pattern = PoolName.PATTERN,
                        defaultValue = JobClass.DEFAULT_POOL,
                        description = "Only workers of this pool run it")
                String pool,
        @Schema(description = "Not started before this time") Instant runAfter,
        @Schema(
                        minimum = "1",
                        maximum = "2592000",
                        description = "Expires when not started by then")
                Integer startWithinS,
        @Schema(
                        minimum = "1",
                        maximum = "34128000",
                        description =
                                "Expires when not finished by then, counted from now; also as header"
                                        + " Cancel-After")
                Integer finishWithinS,
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
        @Schema(description = "At most 16, each of at most 64 characters") List<String> tags,
        @Schema(description = "An address that is told what becomes of this job")
                WebhookBody webhook) {

    @Schema(name = "Lora")
    record LoraBody(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, maxLength = 255) String name,
            @Schema(minimum = "-100", maximum = "100", description = "1.0 unless given")
                    BigDecimal strength) {}

    @Schema(name = "ControlNet")
    record ControlNetBody(
            @Schema(
                            requiredMode = Schema.RequiredMode.REQUIRED,
                            maxLength = 255,
                            description = "File of the controlnet folder")
                    String model,
            @Schema(
                            requiredMode = Schema.RequiredMode.REQUIRED,
                            description =
                                    "Reference to the guide as the model expects it: edges, depth, a"
                                            + " pose")
                    String image,
            @Schema(minimum = "0", maximum = "10", description = "1.0 unless given")
                    BigDecimal strength,
            @Schema(
                            minimum = "0",
                            maximum = "1",
                            description = "From which share of the steps; 0 unless given")
                    BigDecimal start,
            @Schema(
                            minimum = "0",
                            maximum = "1",
                            description = "Until which share of the steps; 1 unless given")
                    BigDecimal end) {}

    @Schema(name = "Upscale", description = "Either model, or factor and denoise")
    record UpscaleBody(
            @Schema(maxLength = 255, description = "File of the upscale_models folder")
                    String model,
            @Schema(
                            minimum = "1",
                            maximum = "4",
                            description = "No side may become longer than 4096")
                    BigDecimal factor,
            @Schema(
                            minimum = "0",
                            maximum = "1",
                            description = "How much the second pass may change; 0.5 unless given")
                    BigDecimal denoise) {}

    @Schema(name = "Output")
    record OutputBody(
            @Schema(
                            allowableValues = {"strip", "embed"},
                            defaultValue = "strip",
                            description = "Whether PNG files keep prompt and graph as text")
                    String metadata,
            @Schema(minimum = "60", maximum = "31536000") Integer retentionS) {}

    @Schema(name = "JobWebhook")
    record WebhookBody(
            @Schema(
                            requiredMode = Schema.RequiredMode.REQUIRED,
                            maxLength = 2048,
                            description =
                                    "https, of a public host. Messages are signed with the secret of"
                                            + " GET /api/v1/webhook-secret")
                    String url,
            @Schema(
                            description =
                                    "job.completed (the usual) means job.succeeded, job.failed,"
                                            + " job.canceled and job.expired; job.started besides")
                    List<String> events) {}

    /// Describes the body of `/generate/batch`.
    @Schema(
            name = "GenerateBatchRequest",
            additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
    record SmallBatchBody(
            @Schema(
                            requiredMode = Schema.RequiredMode.REQUIRED,
                            description = "1 to 10 prompt requests")
                    List<PromptBody> requests,
            @Schema(
                            defaultValue = "false",
                            description = "Let the valid ones run when some are not")
                    Boolean partial,
            @Schema(
                            description =
                                    "An address that is told of the end (`batch.completed`, the"
                                            + " usual), and of each job if its `events` name those"
                                            + " of jobs")
                    WebhookBody webhook) {}
}
