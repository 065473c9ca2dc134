package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.net.URI;
import java.time.Duration;

/// Where this worker's ComfyUI is.
///
/// @param comfyuiUrl its address; nobody else may submit to it
/// @param restartCommand run by the shell when only a restart of ComfyUI helps, with its address in
///   `COMFYUI_URL`; must end with status 0 when the old process is gone. Blank for none
/// @param rest how long ComfyUI is given no jobs after it spoiled three in a row; twice as long
///   each time it goes on like that, up to five minutes
@ConfigurationProperties("comfyapi.worker")
record ComfyUiProperties(
        @DefaultValue("http://127.0.0.1:8188") URI comfyuiUrl,
        @DefaultValue("") String restartCommand,
        @DefaultValue("10s") Duration rest) {

    ComfyUiProperties {
        @Nullable String scheme = comfyuiUrl.getScheme();
        boolean http = scheme != null && (scheme.equals("http") || scheme.equals("https"));
        if (!http || comfyuiUrl.getHost() == null) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.comfyui-url (%s) must be an http or https address"
                            .formatted(comfyuiUrl));
        }
        if (!rest.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.rest (%s) must be more than nothing".formatted(rest));
        }
    }
}
