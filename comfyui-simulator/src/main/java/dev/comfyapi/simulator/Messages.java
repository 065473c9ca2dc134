package dev.comfyapi.simulator;

import tools.jackson.databind.node.ObjectNode;

/// The envelope of WebSocket messages.
final class Messages {

    private Messages() {}

    static ObjectNode message(String type, ObjectNode data) {
        var message = Json.object().put("type", type);
        message.set("data", data);
        return message;
    }

    static ObjectNode status(int queueSize) {
        var data = Json.object();
        data.putObject("status").putObject("exec_info").put("queue_remaining", queueSize);
        return message("status", data);
    }
}
