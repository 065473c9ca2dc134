package dev.comfyapi.api.housekeeping;

import dev.comfyapi.artifact.ArtifactFolder;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.db.job.StrayStore;
import dev.comfyapi.db.job.StrayStore.Folder;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// Goes through all stored files, a page at a time, and deletes what nobody knows: files whose job
/// is gone, or whose attempt did not succeed.
///
/// Postgres remembers since when a folder is unknown; only after a long while it is deleted. A
/// process that dies begins again in front.
@Component
final class SweepFiles implements Duty {

    private static final Logger LOG = LoggerFactory.getLogger(SweepFiles.class);
    private static final int PAGE = 500;

    /// Longer than storing a file takes.
    private static final Duration UNFINISHED = Duration.ofDays(1);

    private final StrayStore strays;
    private final ArtifactStore files;
    private final HousekeepingProperties properties;
    private final Clock clock;
    private ArtifactStore.@Nullable Walk walk;
    private long rest = System.nanoTime();

    SweepFiles(
            HousekeepingDatabase database,
            ArtifactStore files,
            HousekeepingProperties properties,
            Clock clock) {
        this.strays = new StrayStore(database.jdbc());
        this.files = files;
        this.properties = properties;
        this.clock = clock;
    }

    @Override
    public String name() {
        return "sweep_files";
    }

    @Override
    public Duration every() {
        return Duration.ofMinutes(1);
    }

    @Override
    public Done run() throws IOException {
        if (walk == null && rest - System.nanoTime() > 0) {
            return Done.all(0);
        }
        var page = nextPage();
        if (page.isEmpty()) {
            rest = System.nanoTime() + properties.sweep().toNanos();
            strays.forgetOld();
            return Done.all(files.deleteUnfinished(clock.instant().minus(UNFINISHED)));
        }
        var deleted = new ArrayList<Folder>();
        IOException failure = null;
        for (var folder : strays.stray(page, properties.grace())) {
            try {
                files.deleteAll(
                        new ArtifactFolder(folder.tenant(), folder.resource(), folder.epoch()));
                LOG.info("Deleted {}: nobody knows it", folder);
                deleted.add(folder);
            } catch (IOException e) {
                LOG.warn("{} cannot be deleted, which nobody knows", folder, e);
                failure = e;
            }
        }
        if (!deleted.isEmpty()) {
            strays.forget(deleted);
        }
        if (failure != null) {
            throw failure;
        }
        return new Done(deleted.size(), false);
    }

    /// Empty at the end of the way; the next call begins again.
    private List<Folder> nextPage() throws IOException {
        var going = walk == null ? files.walk() : walk;
        walk = going;
        List<ArtifactFolder> page = List.of();
        try {
            page = going.next(PAGE);
        } finally {
            if (page.isEmpty()) {
                walk = null;
                going.close();
            }
        }
        return page.stream()
                .map(found -> new Folder(found.tenant(), found.resource(), found.epoch()))
                .toList();
    }
}
