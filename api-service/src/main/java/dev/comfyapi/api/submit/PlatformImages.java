package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.Problems;
import dev.comfyapi.model.asset.ContentReference;

import org.springframework.stereotype.Component;

import java.util.Optional;

/// Knows pictures that the platform has already.
@Component
final class PlatformImages implements ImageSources {

    @Override
    public Optional<String> reference(int tenant, String given, String pointer, Problems problems) {
        var reference = ContentReference.parse(given);
        if (reference.isEmpty()) {
            problems.add(
                    pointer,
                    "invalid_reference",
                    "must be asset://<asset_id> or job://<job_id>/artifacts/<index>");
        }
        return reference.map(_ -> given);
    }
}
