package dev.comfyapi.api.submit;

import dev.comfyapi.api.asset.ContentReferences;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.model.asset.ContentReference;

import org.springframework.stereotype.Component;

import java.util.Optional;

/// Finds pictures that the platform has, and takes in those that it has not.
@Component
final class PlatformImages implements ImageSources {

    private final ContentReferences contents;

    PlatformImages(ContentReferences contents) {
        this.contents = contents;
    }

    /// What is behind a URL is fetched only for a request that is right so far, and in earnest.
    @Override
    public Optional<String> reference(
            Asker asker, String given, String pointer, Problems problems) {
        int before = problems.all().size();
        boolean isUrl = ContentReference.parse(given).isEmpty() && contents.isUrl(given);
        if (isUrl && (before > 0 || !asker.stores())) {
            return Optional.of(given);
        }
        var reference = contents.reference(asker.tenant(), given, pointer, problems);
        return problems.all().size() > before ? Optional.empty() : Optional.of(reference);
    }
}
