package dev.comfyapi.api.stream;

import dev.comfyapi.api.job.JobMoment;
import dev.comfyapi.api.job.JobView;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.Revision;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/// Makes of looks at one job what its client has not been told yet. What it says never goes back,
/// and it says the end once, last.
///
/// The id of a message is the job's revision. Revisions just below the last one belong to no state:
/// the messages that come before `done` have those, so that a client that lost its connection
/// between two of them gets the rest.
final class JobTelling {

    /// The free ones below the last revision.
    private static final int FREE = 4_998;

    private final JobId job;
    private final Function<JobRow, JobView> views;
    private final long seen;
    private @Nullable JobMoment told;
    private boolean done;

    /// @param views makes what clients see of a job
    /// @param seen the newest id that the client has; negative when it has none
    JobTelling(JobId job, Function<JobRow, JobView> views, long seen) {
        this.job = job;
        this.views = views;
        this.seen = seen;
    }

    /// What there is to say of these news of the job.
    List<Message> tell(News news) {
        return switch (news) {
            case News.Look(var row, var moment) -> look(row, moment);
            case News.Progress(var row, var moment) -> look(row, moment);
            case News.Preview(var preview) -> preview(preview);
            case News.Position _, News.Quiet _ -> List.of();
        };
    }

    private List<Message> look(JobRow row, JobMoment now) {
        var before = told;
        if (done || (before != null && now.revision() < before.revision())) {
            return List.of();
        }
        told = now;
        if (now.isFinal()) {
            done = true;
            return end(row, now);
        }
        var messages = new ArrayList<Message>();
        if (before == null ? now.revision() > seen : isAnotherStatus(before, now)) {
            messages.add(status(now, now.revision()));
        }
        var detail = now.detail();
        if (detail != null
                && (before == null
                        ? now.revision() > seen
                        : !Objects.equals(detail, before.detail()))) {
            messages.add(
                    new Message(
                            Message.PROGRESS,
                            Long.toString(now.revision()),
                            new Message.Progress(
                                    Message.PROGRESS,
                                    job.value(),
                                    now.progress(),
                                    words(now, detail),
                                    detail)));
        }
        return messages;
    }

    private static boolean isAnotherStatus(JobMoment before, JobMoment now) {
        return now.status() != before.status()
                || !Objects.equals(now.phase(), before.phase())
                || !Revision.sameButForProgress(now.revision(), before.revision());
    }

    private Message status(JobMoment now, long id) {
        return new Message(
                Message.STATUS,
                Long.toString(id),
                new Message.Status(
                        Message.STATUS,
                        job.value(),
                        now.revision(),
                        now.status().wire(),
                        now.phase(),
                        now.progress()));
    }

    private static String words(JobMoment now, JobView.ProgressDetail detail) {
        var node = detail.currentNodeClass();
        if (node == null) {
            return String.valueOf(now.phase());
        }
        return detail.steps() > 0
                ? "%s %d/%d".formatted(node, detail.step(), detail.steps())
                : node;
    }

    private List<Message> end(JobRow row, JobMoment now) {
        var view = views.apply(row);
        var result = view.result();
        List<JobView.File> files = result == null ? List.of() : result.artifacts();
        long last = now.revision();
        long first = last - Math.min(files.size() + 1, FREE);
        var messages = new ArrayList<Message>();
        if (first > seen) {
            messages.add(status(now, first));
        }
        for (int i = 0; i < files.size(); i++) {
            long id = Math.min(first + 1 + i, last - 1);
            if (id > seen) {
                var file = files.get(i);
                messages.add(
                        new Message(
                                Message.ARTIFACT,
                                Long.toString(id),
                                new Message.Artifact(
                                        Message.ARTIFACT, job.value(), file.url(), file)));
            }
        }
        messages.add(
                new Message(
                        Message.DONE,
                        Long.toString(last),
                        new Message.Done(
                                Message.DONE, job.value(), view.status(), result, view.error())));
        return messages;
    }

    private List<Message> preview(JobEvent.Preview preview) {
        return done
                ? List.of()
                : List.of(
                        new Message(
                                Message.PREVIEW,
                                null,
                                new Message.Preview(
                                        Message.PREVIEW,
                                        job.value(),
                                        preview.node(),
                                        preview.contentType(),
                                        preview.dataBase64())));
    }
}
