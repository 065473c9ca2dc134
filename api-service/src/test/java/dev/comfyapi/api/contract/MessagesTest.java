package dev.comfyapi.api.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.contract.MessageExtension;
import dev.comfyapi.contract.Messages;
import dev.comfyapi.db.webhook.WebhookEvent;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.Assignment;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.message.LaneMessage;

import io.swagger.v3.oas.annotations.media.Schema;

import org.junit.jupiter.api.Test;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.UUID;

/// The AsyncAPI document. That every message heard in any test is as it says is seen to by
/// [MessageExtension].
class MessagesTest {

    private static final JobId JOB =
            new JobId(UUID.fromString("0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f"));
    private static final LeaseKey LEASE = new LeaseKey(JOB, 2, 77);

    private final Api api = Api.shared();
    private final JsonNode document = Messages.document();

    @Test
    void the_document_is_served_as_it_is() {
        var served = api.get("/asyncapi.yaml");

        assertThat(served.header("Content-Type")).startsWith("application/yaml");
        assertThat(new YAMLMapper().readTree(served.response().body())).isEqualTo(document);
        assertThat(document.path("asyncapi").stringValue()).isEqualTo("3.0.0");
    }

    @Test
    void every_kind_of_record_is_described_and_sent_as_described() {
        var orders =
                List.of(
                        new LaneMessage.Assign(
                                new Assignment(LEASE, 1, 1_000, true, null, null), "c2VhbGVk"),
                        new LaneMessage.Cancel(LEASE));
        var events =
                List.of(
                        new JobEvent.Submitted(JOB),
                        new JobEvent.Started(JOB, 2, 77),
                        new JobEvent.Progress(
                                JOB, 2, 0.5, "executing", 1, 7, "3", "KSampler", 4, 20),
                        new JobEvent.Preview(JOB, 2, "3", "image/jpeg", "/9j/4A=="),
                        new JobEvent.Freed(JOB, 2, 77),
                        new JobEvent.Requeued(JOB),
                        new JobEvent.Finished(JOB, JobState.SUCCEEDED));
        var sender = api.bean(MessageSender.class);

        orders.forEach(order -> sender.send(0, order));
        events.forEach(sender::publish);

        assertThat(names(orders))
                .containsExactlyInAnyOrderElementsOf(names(LaneMessage.class))
                .containsExactlyInAnyOrderElementsOf(messages("lanes"));
        assertThat(names(events))
                .containsExactlyInAnyOrderElementsOf(names(JobEvent.class))
                .containsExactlyInAnyOrderElementsOf(messages("events"));
        await().until(() ->
                names(orders).stream().allMatch(name -> Messages.seen().contains("lanes " + name))
                        && names(events).stream()
                                .allMatch(name -> Messages.seen().contains("events " + name)));
    }

    private static List<String> names(Collection<?> messages) {
        return messages.stream().map(message -> message.getClass().getSimpleName()).toList();
    }

    private static List<String> names(Class<?> type) {
        return Arrays.stream(type.getPermittedSubclasses()).map(Class::getSimpleName).toList();
    }

    private Collection<String> messages(String channel) {
        return document.at("/channels/%s/messages".formatted(channel)).propertyNames();
    }

    @Test
    void every_kind_of_event_is_described() throws ClassNotFoundException {
        var written =
                Arrays.stream(Class.forName("dev.comfyapi.api.stream.Message").getDeclaredClasses())
                        .map(type -> type.getAnnotation(Schema.class).name())
                        .toList();
        var described = new TreeSet<String>();
        for (var name : messages("tenantEvents")) {
            var payload = Messages.described("tenantEvents", name).at("/payload/$ref");
            described.add(payload.stringValue().replaceFirst(".*/", ""));
        }

        assertThat(described).containsExactlyInAnyOrderElementsOf(written);
        assertThat(messages("tenantEvents")).containsAll(messages("jobEvents"));
        assertThat(messages("jobSocket"))
                .containsExactlyInAnyOrderElementsOf(messages("jobEvents"));
    }

    @Test
    void every_kind_of_webhook_is_described() {
        assertThat(messages("webhook"))
                .containsExactlyInAnyOrderElementsOf(
                        Arrays.stream(WebhookEvent.values()).map(WebhookEvent::wire).toList());
    }

    @Test
    void examples_are_messages() {
        var wrong = new ArrayList<String>();
        for (var channel : document.path("channels").properties()) {
            for (var name : channel.getValue().path("messages").propertyNames()) {
                var examples = Messages.described(channel.getKey(), name).path("examples");
                assertThat(examples).as(name).isNotEmpty();
                for (var example : examples) {
                    wrong.addAll(Messages.errors(channel.getKey(), example.path("payload")));
                }
            }
        }

        assertThat(wrong).isEmpty();
    }

    @Test
    void jobs_and_endpoints_have_the_same_members_in_both_documents()
            throws IOException, InterruptedException {
        var answers = api.contract().document().at("/components/schemas");

        for (var name :
                List.of(
                        "Job",
                        "JobProgress",
                        "JobResult",
                        "Artifact",
                        "JobError",
                        "JobQueue",
                        "JobAttempt",
                        "JobTimings",
                        "JobUrls",
                        "StatusEvent",
                        "ProgressEvent",
                        "PreviewEvent",
                        "ArtifactEvent",
                        "DoneEvent",
                        "GapEvent")) {
            var here = document.at("/components/schemas/" + name);
            var there = answers.path(name);
            assertThat(here.path("properties").propertyNames())
                    .as(name)
                    .containsExactlyInAnyOrderElementsOf(there.path("properties").propertyNames());
            assertThat(here.path("required"))
                    .as(name)
                    .containsExactlyInAnyOrderElementsOf(there.path("required"));
        }
    }

    @Test
    void a_message_that_is_not_as_described_is_found() {
        var json = JsonMapper.shared();
        var good = "{\"type\": \"gap\", \"detail\": \"d\"}";
        var more = "{\"type\": \"gap\", \"detail\": \"d\", \"more\": 1}";

        assertThat(Messages.errors("tenantEvents", json.readTree(good))).isEmpty();
        assertThat(Messages.errors("tenantEvents", json.readTree(more))).isNotEmpty();
        assertThat(Messages.errors("jobEvents", json.readTree(good))).isNotEmpty();
        Messages.hear("jobEvents", json.readTree(good));
        assertThatThrownBy(Messages::throwIfAny).isInstanceOf(AssertionError.class);
    }
}
