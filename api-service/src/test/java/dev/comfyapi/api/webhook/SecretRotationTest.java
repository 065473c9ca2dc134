package dev.comfyapi.api.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.UUID;

class SecretRotationTest {

    /// The endpoint was there when the request looked for it.
    @Test
    void the_key_of_an_endpoint_that_was_deleted_meanwhile_is_not_there() {
        var secrets = Api.shared().bean(WebhookSecrets.class);

        assertThatThrownBy(
                        () -> secrets.rotate(Api.TENANT, UUID.randomUUID(), false, Duration.ZERO))
                .isInstanceOfSatisfying(
                        ApiProblem.class,
                        problem -> assertThat(problem.code()).isEqualTo(ProblemCode.NOT_FOUND));
    }
}
