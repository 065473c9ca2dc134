package dev.comfyapi.worker.comfyui;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/// Marks prompts as this worker's, in any of its lives: the client ids it sends begin alike.
///
/// Others may use the same ComfyUI (a person in its own page, another worker): their prompts are
/// left alone.
///
/// @param workerName stable over restarts
public record PromptOwner(String workerName) {

    String newClientId() {
        return prefix() + UUID.randomUUID();
    }

    boolean sent(String clientId) {
        return clientId.startsWith(prefix());
    }

    /// Goes into a URL as it is.
    private String prefix() {
        return "comfyapi."
                + URLEncoder.encode(workerName, StandardCharsets.UTF_8).replace("%", "_")
                + ".";
    }
}
