package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.net.URI;

/// Where this worker's ComfyUI is.
///
/// @param comfyuiUrl its address; nobody else may submit to it
@ConfigurationProperties("comfyapi.worker")
record ComfyUiProperties(@DefaultValue("http://127.0.0.1:8188") URI comfyuiUrl) {

    ComfyUiProperties {
        @Nullable String scheme = comfyuiUrl.getScheme();
        boolean http = scheme != null && (scheme.equals("http") || scheme.equals("https"));
        if (!http || comfyuiUrl.getHost() == null) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.comfyui-url (%s) must be an http or https address"
                            .formatted(comfyuiUrl));
        }
    }
}
