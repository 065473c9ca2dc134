package dev.comfyapi.contract;

import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/// The AsyncAPI document, and every message that tests hear of held against it. Thread-safe.
///
/// Messages are heard on threads of their own: what is wrong with one is kept until the test that
/// runs asks for it.
public final class Messages {

    private static final JsonNode DOCUMENT = read();
    private static final Schemas SCHEMAS = new Schemas(DOCUMENT);
    private static final Queue<String> WRONG = new ConcurrentLinkedQueue<>();
    private static final Set<String> SEEN = ConcurrentHashMap.newKeySet();

    private Messages() {}

    private static JsonNode read() {
        try (var in =
                Messages.class.getResourceAsStream("/dev/comfyapi/model/message/asyncapi.yaml")) {
            return new YAMLMapper().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static JsonNode document() {
        return DOCUMENT;
    }

    /// Notes what is wrong with a message of this channel.
    public static void hear(String channel, JsonNode message) {
        var errors = errors(channel, message);
        if (!errors.isEmpty()) {
            WRONG.add("%s on %s: %s".formatted(errors, channel, message));
        }
        SEEN.add(channel + " " + message.path("type").asString(""));
    }

    /// The same for a webhook, whose headers are described as well.
    public static void hear(String channel, JsonNode message, JsonNode headers) {
        hear(channel, message);
        var described = described(channel, message).path("headers");
        var errors = new ArrayList<String>();
        // Whatever else HTTP has.
        var named =
                headers.deepCopy()
                        .asObject()
                        .retain(resolve(described).path("properties").propertyNames());
        if (!described.isMissingNode()) {
            errors.addAll(SCHEMAS.errors(described, named));
        }
        if (!errors.isEmpty()) {
            WRONG.add("%s in headers %s".formatted(errors, headers));
        }
    }

    public static List<String> errors(String channel, JsonNode message) {
        var described = described(channel, message);
        return described.isMissingNode()
                ? List.of("there is no such message")
                : SCHEMAS.errors(described.path("payload"), message);
    }

    private static JsonNode described(String channel, JsonNode message) {
        return described(channel, message.path("type").asString(""));
    }

    public static JsonNode described(String channel, String type) {
        return resolve(DOCUMENT.path("channels").path(channel).path("messages").path(type));
    }

    private static JsonNode resolve(JsonNode node) {
        var reference = node.path("$ref").asString("");
        return reference.isEmpty() ? node : resolve(DOCUMENT.at(reference.substring(1)));
    }

    /// Channel and type of what was heard so far.
    public static Set<String> seen() {
        return SEEN;
    }

    /// @throws AssertionError when a message was heard that is not as the document says
    public static void throwIfAny() {
        var wrong = new ArrayList<String>();
        for (var one = WRONG.poll(); one != null; one = WRONG.poll()) {
            wrong.add(one);
        }
        if (!wrong.isEmpty()) {
            throw new AssertionError("Not as the AsyncAPI document says: " + wrong);
        }
    }
}
