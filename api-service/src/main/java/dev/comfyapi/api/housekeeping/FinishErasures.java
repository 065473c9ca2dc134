package dev.comfyapi.api.housekeeping;

import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.db.job.ErasureStore;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.time.Duration;

/// Deletes the files of erased jobs when the request that erased them could not: it died, the store
/// was away, or a worker was still storing.
@Component
final class FinishErasures implements Duty {

    private static final Logger LOG = LoggerFactory.getLogger(FinishErasures.class);
    private static final int MOST = 100;

    private final ErasureStore erasures;
    private final ArtifactStore files;

    FinishErasures(HousekeepingDatabase database, ArtifactStore files) {
        this.erasures = new ErasureStore(database.jdbc());
        this.files = files;
    }

    @Override
    public String name() {
        return "finish_erasures";
    }

    @Override
    public Duration every() {
        return Duration.ofSeconds(10);
    }

    @Override
    public Done run() throws IOException {
        var unfinished = erasures.unfinished(MOST);
        IOException failure = null;
        for (var erased : unfinished) {
            try {
                files.deleteAll(erased.tenant(), erased.job().value());
                erasures.finish(erased.job());
            } catch (IOException e) {
                LOG.warn("The files of the erased job {} cannot be deleted yet", erased.job(), e);
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
        return new Done(unfinished.size(), unfinished.size() < MOST);
    }
}
