package dev.comfyapi.api.submit;

import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;

import java.util.List;
import java.util.Map;

/// Describes the body of a batch for the OpenAPI document; [SubmitBatchController] reads the real
/// one.
@Schema(name = "BatchRequest", additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
record BatchBody(
        @ArraySchema(
                        schema = @Schema(implementation = Object.class),
                        arraySchema =
                                @Schema(
                                        description =
                                                "1 to 1,000 bodies as of POST /api/v1/jobs; each may"
                                                        + " have a `custom_id` of its own, at most 64"
                                                        + " characters"))
                List<Map<String, Object>> items,
        @Schema(description = "Members that hold for each request which does not have them")
                Map<String, Object> defaults,
        @Schema(
                        description =
                                "Values by member, or by a JSON pointer into defaults: every"
                                        + " combination of them is a job, laid over defaults",
                        example = "{\"prompt\": [\"a fox\", \"an owl\"], \"seed\": [1, 2, 3]}")
                Map<String, List<Object>> matrix,
        @Schema(
                        description =
                                "Like matrix, but the members of one group go together: the first"
                                        + " value of each, then the second")
                List<Map<String, List<Object>>> zip,
        @Schema(maxLength = 200, description = "Your word for it") String name,
        @Schema(
                        minimum = "1",
                        maximum = "1000",
                        description =
                                "Most of its jobs that wait in the queue or run at one time; no limit"
                                        + " unless given")
                Integer maxConcurrency,
        @Schema(defaultValue = "false", description = "The first failure cancels the rest")
                Boolean failFast,
        @Schema(
                        minimum = "1",
                        maximum = "34128000",
                        description = "What has not ended by then, counted from now, expires")
                Integer completionWindowS,
        @Schema(description = "Your own data, returned as it came: at most 16 texts")
                Map<String, String> metadata,
        @Schema(
                        description =
                                "An address that is told of the end (`batch.completed`, the usual), and"
                                        + " of each job if its `events` name those of jobs")
                PromptBody.WebhookBody webhook) {}
