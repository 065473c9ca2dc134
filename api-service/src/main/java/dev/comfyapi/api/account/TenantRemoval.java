package dev.comfyapi.api.account;

import dev.comfyapi.api.job.Jobs;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.db.account.AccountStore;
import dev.comfyapi.db.account.RemovalStore;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.io.UncheckedIOException;

/// Takes away what deleted tenants have: first what lives, then files, then rows. Stops anywhere
/// and goes on from there, in whichever instance.
///
/// A worker that is at one of the jobs lets go of it first; until then the job stays. Assets are
/// only hidden here: their files go as those of every deleted asset do.
@Component
final class TenantRemoval {

    private static final Logger LOG = LoggerFactory.getLogger(TenantRemoval.class);
    private static final int BATCH = 200;

    private final AccountStore tenants;
    private final RemovalStore store;
    private final ArtifactStore files;
    private final Jobs jobs;

    TenantRemoval(AccountStore tenants, RemovalStore store, ArtifactStore files, Jobs jobs) {
        this.tenants = tenants;
        this.store = store;
        this.files = files;
        this.jobs = jobs;
    }

    /// Goes on with all of them as far as it goes now.
    void goOn() {
        for (int tenant : tenants.doomed()) {
            try {
                goOn(tenant);
            } catch (RuntimeException e) {
                LOG.warn("Deleting tenant {} is tried again: {}", tenant, e.toString());
            }
        }
    }

    private void goOn(int tenant) {
        boolean more = true;
        while (more) {
            boolean live = cancelSome(tenant);
            more = removeSome(tenant) || live;
        }
        store.count(tenant, 0, 0, store.doomAssets(tenant));
        if (store.isEmpty(tenant)) {
            store.finish(tenant);
            LOG.info("Tenant {} is deleted; what is left is its receipt", tenant);
        }
    }

    private boolean cancelSome(int tenant) {
        var live = store.live(tenant, BATCH);
        live.forEach(job -> jobs.end(tenant, job));
        return live.size() == BATCH;
    }

    private boolean removeSome(int tenant) {
        var ended = store.ended(tenant, BATCH);
        int removed = 0;
        for (var job : ended) {
            try {
                files.deleteAll(tenant, job.job().value());
            } catch (IOException e) {
                throw new UncheckedIOException(
                        "The files of job %s are tried again".formatted(job.job()), e);
            }
            removed += job.files();
        }
        if (!ended.isEmpty()) {
            int rows =
                    store.forgetJobs(tenant, ended.stream().map(RemovalStore.Ended::job).toList());
            store.count(tenant, rows, removed, 0);
        }
        return ended.size() == BATCH;
    }
}
