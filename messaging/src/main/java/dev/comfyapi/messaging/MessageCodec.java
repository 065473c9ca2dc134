package dev.comfyapi.messaging;

import com.fasterxml.jackson.annotation.JsonTypeInfo;

import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.message.LaneMessage;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Messages as JSON with a `type` member. Unknown members are ignored, so that versions can run
/// side by side.
final class MessageCodec {

    @JsonTypeInfo(use = JsonTypeInfo.Id.SIMPLE_NAME, property = "type")
    private interface Typed {}

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .addMixIn(LaneMessage.class, Typed.class)
                    .addMixIn(JobEvent.class, Typed.class)
                    .build();

    private MessageCodec() {}

    static byte[] encode(LaneMessage message) {
        return JSON.writerFor(LaneMessage.class).writeValueAsBytes(message);
    }

    static byte[] encode(JobEvent event) {
        return JSON.writerFor(JobEvent.class).writeValueAsBytes(event);
    }

    /// @throws tools.jackson.core.JacksonException when the bytes are no message of this type
    static <T> T decode(byte[] bytes, Class<T> type) {
        return JSON.readValue(bytes, type);
    }
}
