package dev.comfyapi.api.housekeeping;

import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.db.job.RetentionStore;
import dev.comfyapi.db.job.RetentionStore.Expired;
import dev.comfyapi.model.job.JobId;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;

/// Deletes ended jobs whose time is over: the files first, the rows after.
///
/// What dies in between leaves a row without files, which is found again. A job whose files cannot
/// be deleted keeps its row and holds up no other.
@Component
final class PurgeJobs implements Duty {

    private static final Logger LOG = LoggerFactory.getLogger(PurgeJobs.class);
    private static final int BATCH = 100;
    private static final int BATCHES = 20;

    private final RetentionStore retention;
    private final ArtifactStore files;
    private final HousekeepingProperties properties;

    PurgeJobs(
            HousekeepingDatabase database, ArtifactStore files, HousekeepingProperties properties) {
        this.retention = new RetentionStore(database.jdbc());
        this.files = files;
        this.properties = properties;
    }

    @Override
    public String name() {
        return "purge_jobs";
    }

    @Override
    public Duration every() {
        return properties.purge();
    }

    @Override
    public Done run() throws IOException {
        int removed = 0;
        IOException failure = null;
        boolean all = false;
        Expired last = null;
        for (int i = 0; i < BATCHES && !all; i++) {
            var batch = retention.expired(last, BATCH);
            var bare = new ArrayList<JobId>();
            for (var job : batch) {
                try {
                    files.deleteAll(job.tenant(), job.id().value());
                    bare.add(job.id());
                } catch (IOException e) {
                    LOG.warn("The files of job {} cannot be deleted: it stays", job.id(), e);
                    failure = e;
                }
            }
            removed += bare.isEmpty() ? 0 : retention.remove(bare);
            all = batch.size() < BATCH;
            last = batch.isEmpty() ? last : batch.getLast();
        }
        if (removed > 0) {
            LOG.info("Deleted {} jobs with their files: their time is over", removed);
        }
        if (failure != null) {
            throw failure;
        }
        return new Done(removed, all);
    }
}
