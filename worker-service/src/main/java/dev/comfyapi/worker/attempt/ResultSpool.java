package dev.comfyapi.worker.attempt;

import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/// Results that Postgres has not taken yet, as small files that outlive the process. The artifacts
/// themselves are in the store already.
final class ResultSpool {

    private static final Logger LOG = LoggerFactory.getLogger(ResultSpool.class);
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String SUFFIX = ".json";

    private final Path folder;
    private final Clock clock;

    ResultSpool(Path folder, Clock clock) {
        this.folder = folder;
        this.clock = clock;
    }

    /// A result on its way to Postgres.
    ///
    /// @param begunAtMs when ComfyUI began it, by this machine's clock
    /// @param keys of the artifacts
    record Spooled(
            UUID job,
            int epoch,
            long worker,
            long begunAtMs,
            int gpuMs,
            int storeMs,
            String result,
            List<String> keys) {

        LeaseKey lease() {
            return new LeaseKey(new JobId(job), epoch, worker);
        }

        LeaseStore.Result toResult(Clock clock) {
            return new LeaseStore.Result(
                    Math.max(0, clock.millis() - begunAtMs), gpuMs, storeMs, result);
        }
    }

    Clock clock() {
        return clock;
    }

    /// Keeps it. A spool that cannot be written costs nothing but the restart of this process while
    /// Postgres is away.
    void keep(Spooled spooled) {
        try {
            Files.createDirectories(folder);
            var part = folder.resolve(name(spooled) + ".part");
            Files.write(part, JSON.writeValueAsBytes(spooled));
            Files.move(
                    part,
                    folder.resolve(name(spooled)),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn("The result of job {} is kept in memory only", spooled.job(), e);
        }
    }

    void remove(Spooled spooled) {
        try {
            Files.deleteIfExists(folder.resolve(name(spooled)));
        } catch (IOException e) {
            LOG.warn("{} could not be deleted from the spool; it is harmless", name(spooled), e);
        }
    }

    /// Puts it aside for a person to look at; it is not offered again.
    void refuse(Spooled spooled) {
        try {
            Files.move(
                    folder.resolve(name(spooled)),
                    folder.resolve(name(spooled) + ".refused"),
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn("{} could not be put aside in the spool", name(spooled), e);
        }
    }

    /// What an earlier process left. Files that cannot be read are left alone.
    List<Spooled> leftovers() {
        var found = new ArrayList<Spooled>();
        try (var files = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
            for (var file : files) {
                try {
                    found.add(JSON.readValue(Files.readAllBytes(file), Spooled.class));
                } catch (JacksonException e) {
                    LOG.warn("{} in the spool is not readable and is left there", file, e);
                }
            }
        } catch (NoSuchFileException _) {
            return List.of();
        } catch (IOException e) {
            LOG.warn("The spool {} cannot be read", folder, e);
        }
        return found;
    }

    private static String name(Spooled spooled) {
        return "%s-%d-%d%s".formatted(spooled.job(), spooled.epoch(), spooled.worker(), SUFFIX);
    }
}
