package dev.comfyapi.api.asset;

import dev.comfyapi.api.asset.ImportRefusedException.Reason;
import dev.comfyapi.api.http.Turn;

import org.springframework.stereotype.Component;

/// Gets the bytes behind `data:`, `https:` and `http:` URLs.
@Component
final class Imports {

    private final GuardedFetch fetch;

    Imports(GuardedFetch fetch) {
        this.fetch = fetch;
    }

    Assets.Source source(String url) {
        return out -> {
            if (!DataUrl.is(url)) {
                // As fast as the other host is.
                Turn.current().giveUp();
                fetch.fetch(url, out);
                return;
            }
            if (DataUrl.isTooLarge(url)) {
                throw new ImportRefusedException(
                        Reason.SIZE,
                        "is larger than the %d bytes that a data URL may have"
                                .formatted(DataUrl.LARGEST));
            }
            out.write(
                    DataUrl.decode(url)
                            .orElseThrow(() ->
                                    new ImportRefusedException(
                                            Reason.ANSWER, "is not a data URL with base64")));
        };
    }
}
