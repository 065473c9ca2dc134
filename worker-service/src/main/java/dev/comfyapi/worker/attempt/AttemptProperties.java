package dev.comfyapi.worker.attempt;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.nio.file.Path;
import java.time.Duration;

/// How attempts are run.
///
/// @param slots prompts inside ComfyUI at one time: one that runs and the others right behind it
/// @param poll how often ComfyUI is asked how a prompt stands; what its WebSocket says is asked at
///   once
/// @param silence a running prompt that shows no sign for this long is given up; five times as long
///   while it has not counted its first step, for loading models
/// @param stuck prompts that wait in a ComfyUI that runs nothing for this long mean that its worker
///   thread has died
/// @param stopping a prompt that ran too long and does not stop within this time after it was told
///   to is left behind, and ComfyUI given nothing until it stops
/// @param backoff pause before a job is tried again after its first failed attempt; four times as
///   long after each further one, up to five minutes
/// @param comfyuiInputDir ComfyUI's input folder as this worker sees it, to delete from it what a
///   job has brought; ComfyUI itself has no way to do so. Absent: the files stay
/// @param spool folder for results that Postgres did not take yet; workers may share it
@ConfigurationProperties("comfyapi.worker")
record AttemptProperties(
        @DefaultValue("2") int slots,
        @DefaultValue("1s") Duration poll,
        @DefaultValue("60s") Duration silence,
        @DefaultValue("15s") Duration stuck,
        @DefaultValue("20s") Duration stopping,
        @DefaultValue("5s") Duration backoff,
        @Nullable Path comfyuiInputDir,
        @DefaultValue("data/spool") Path spool) {

    AttemptProperties {
        if (slots < 1 || slots > 16) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.slots (%d) must be 1 to 16".formatted(slots));
        }
        positive("poll", poll);
        positive("silence", silence);
        positive("stuck", stuck);
        positive("stopping", stopping);
        positive("backoff", backoff);
        if (silence.compareTo(poll) < 0) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.silence (%s) must not be shorter than comfyapi.worker.poll (%s)"
                            .formatted(silence, poll));
        }
    }

    private static void positive(String key, Duration value) {
        if (!value.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.%s (%s) must be more than nothing".formatted(key, value));
        }
    }
}
