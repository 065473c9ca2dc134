package dev.comfyapi.api.asset;

import dev.comfyapi.api.asset.ImportRefusedException.Reason;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.artifact.RefusedFileException;
import dev.comfyapi.db.asset.AssetStore;
import dev.comfyapi.db.asset.InputStore;
import dev.comfyapi.model.asset.ContentReference;

import org.springframework.stereotype.Component;

import java.io.IOException;
import java.io.UncheckedIOException;

/// Makes sure that the files a request names are there and belong to its tenant. Thread-safe.
@Component
public final class ContentReferences {

    private static final String UNKNOWN = "names no file of yours";

    private final AssetStore assets;
    private final InputStore inputs;
    private final Imports imports;
    private final Assets taking;
    private final AssetProperties properties;

    ContentReferences(
            AssetStore assets,
            InputStore inputs,
            Imports imports,
            Assets taking,
            AssetProperties properties) {
        this.assets = assets;
        this.inputs = inputs;
        this.imports = imports;
        this.taking = taking;
        this.properties = properties;
    }

    /// The file that a request names, as a worker understands it: `asset://…` or `job://…`.
    ///
    /// What is behind a `data:`, `https:` or `http:` URL becomes a new asset that expires by
    /// itself; with the same bytes it is the same asset. So call it after everything that is
    /// cheaper to check, and outside of a transaction: it may take seconds.
    ///
    /// @param named what the request says
    /// @param pointer where it says so, for the problem when there is no such file
    /// @return what was named, unchanged, when a problem was noted
    public String reference(int tenant, String named, String pointer, Problems problems) {
        var parsed = ContentReference.parse(named);
        if (parsed.isPresent()) {
            if (!exists(tenant, parsed.get())) {
                problems.add(pointer, "missing_asset", UNKNOWN);
            }
            return parsed.get().toString();
        }
        if (!isUrl(named)) {
            problems.add(
                    pointer,
                    "invalid_reference",
                    "must be asset://, job://, https:// or a data URL");
            return named;
        }
        return imported(tenant, named, pointer, problems);
    }

    /// Whether this is to be fetched, or is the file itself.
    public boolean isUrl(String named) {
        return DataUrl.is(named) || named.matches("(?i)https?://.*");
    }

    private boolean exists(int tenant, ContentReference reference) {
        return switch (reference.kind()) {
            case ASSET -> assets.find(tenant, reference.id()).isPresent();
            case JOB -> inputs.key(tenant, reference).isPresent();
        };
    }

    private String imported(int tenant, String url, String pointer, Problems problems) {
        try {
            var taken =
                    taking.take(
                            tenant, imports.source(url), Wishes.forA(properties.importLifetime()));
            return ContentReference.asset(taken.asset().id()).toString();
        } catch (ImportRefusedException e) {
            problems.add(pointer, code(e.reason()), String.valueOf(e.getMessage()));
        } catch (RefusedFileException e) {
            problems.add(pointer, Refusals.code(e.reason()), String.valueOf(e.getMessage()));
        } catch (HashMismatchException e) {
            throw new IllegalStateException("no hash was expected", e);
        } catch (IOException e) {
            throw new UncheckedIOException("a file could not be taken", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a file was fetched", e);
        }
        return url;
    }

    static String code(Reason reason) {
        return switch (reason) {
            case ADDRESS -> "url_not_allowed";
            case ANSWER -> "input_fetch_failed";
            case SIZE -> "payload_too_large";
        };
    }
}
