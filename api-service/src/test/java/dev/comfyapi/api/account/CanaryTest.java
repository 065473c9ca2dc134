package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.stream.Collectors;

/// What clients say and what proves who they are is found nowhere but where it belongs.
class CanaryTest {

    private static final String CANARY = "a canary called Esmeralda";

    @Test
    void neither_prompts_nor_keys_are_found_in_logs_metrics_or_events() {
        try (var accounts = new Accounts()) {
            var api = accounts.api;
            var tenant = accounts.tenant();
            var root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
            var ours = (Logger) LoggerFactory.getLogger("dev.comfyapi");
            var before = ours.getLevel();
            var log = new ListAppender<ILoggingEvent>();
            log.start();
            root.addAppender(log);
            ours.setLevel(Level.DEBUG);
            try {
                var canary =
                        "{\"prompt\": \"%s\", \"model\": \"%s\", \"tags\": [\"%s\"]}"
                                .formatted(CANARY, Api.CHECKPOINT, CANARY);
                var job = api.post("/api/v1/jobs", canary, bearer(tenant.owner())).job();
                api.get("/api/v1/jobs/" + job, bearer(tenant.owner()));
                api.post("/api/v1/jobs", canary.replace("tags", "tagz"), bearer(tenant.owner()));
                api.get("/api/v1/jobs", bearer(tenant.owner() + "x"));
                api.get("/api/v1/jobs?api_key=" + tenant.owner());
                api.delete("/api/v1/jobs/" + job, bearer(tenant.owner()));
            } finally {
                ours.setLevel(before);
                root.detachAppender(log);
            }

            var logged =
                    List.copyOf(log.list).stream()
                            .map(event -> event.getFormattedMessage() + event.getThrowableProxy())
                            .collect(Collectors.joining("\n"));
            var metrics = api.get("/metrics", bearer(accounts.operator)).text();
            var secret = tenant.owner().substring(tenant.owner().length() - 49);
            assertThat(logged).contains("accepted").doesNotContain(CANARY, secret);
            assertThat(metrics).contains("http_server_requests").doesNotContain(CANARY, secret);
            assertThat(api.heard().toString()).doesNotContain(CANARY, secret);
        }
    }
}
