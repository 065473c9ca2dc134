package dev.comfyapi.api.submit;

import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.PoolName;

import io.swagger.v3.oas.annotations.media.Schema;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/// Describes the body of a request with a graph for the OpenAPI document; [WorkflowForm] reads the
/// real one.
@Schema(name = "WorkflowRequest", additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
record WorkflowBody(
        @Schema(
                        requiredMode = Schema.RequiredMode.REQUIRED,
                        description =
                                "A ComfyUI graph in API format, as Workflow → Export (API) saves"
                                        + " it: node id to class_type and inputs; at most 2,000"
                                        + " nodes and 2 MiB. File names are the server's. Pictures"
                                        + " are named as asset://<id> or"
                                        + " job://<job_id>/artifacts/<n>")
                Map<String, NodeBody> workflow,
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
        PromptBody.OutputBody output,
        @Schema(description = "Your own data, returned as it came: at most 16 texts")
                Map<String, String> metadata,
        @Schema(description = "At most 16, each of at most 64 characters") List<String> tags,
        @Schema(description = "An address that is told what becomes of this job")
                PromptBody.WebhookBody webhook) {

    @Schema(name = "WorkflowNode")
    record NodeBody(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, example = "KSampler")
                    String classType,
            @Schema(
                            requiredMode = Schema.RequiredMode.REQUIRED,
                            description = "By name: a value, or a link [\"node id\", output index]")
                    Map<String, Object> inputs) {}
}
