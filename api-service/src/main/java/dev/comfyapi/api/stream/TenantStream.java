package dev.comfyapi.api.stream;

import dev.comfyapi.api.job.JobMoment;
import dev.comfyapi.api.job.JobViews;
import dev.comfyapi.api.stream.Courier.Ending;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/// Brings the news of a tenant's jobs to the courier of one client.
///
/// The id of its messages is a time of Postgres' clock: all that changed before it has been told.
/// So it means the same to every instance, and after every restart.
final class TenantStream {

    /// Of so many jobs it is known what was told; of others the status may be told twice.
    private static final int REMEMBERED = 4_096;

    /// What a client wants to hear.
    ///
    /// @param types of messages
    /// @param tag only jobs that have it; null for all
    /// @param batch only jobs of it; null for all
    record Filter(Set<String> types, @Nullable String tag, @Nullable UUID batch) {

        Filter {
            types = Set.copyOf(types);
        }

        boolean wants(JobRow row) {
            return (tag == null || row.tags().contains(tag))
                    && (batch == null || batch.equals(row.batchId()));
        }
    }

    /// What a job was when it was looked at, and what was told of it.
    private static final class Known {
        final JobTelling telling;
        @Nullable JobMoment newest;

        Known(JobTelling telling) {
            this.telling = telling;
        }
    }

    private static final class Memory extends LinkedHashMap<JobId, Known> {

        @Override
        protected boolean removeEldestEntry(Map.Entry<JobId, Known> eldest) {
            return size() > REMEMBERED;
        }
    }

    private final int tenant;
    private final Filter filter;
    private final JobViews views;
    private final String base;
    private final Memory memory = new Memory();
    private final Instant joined;
    private Instant position;

    /// @param position what its client has seen already
    /// @param joined since when it is told
    TenantStream(
            int tenant,
            Filter filter,
            JobViews views,
            String base,
            Instant position,
            Instant joined) {
        this.tenant = tenant;
        this.filter = filter;
        this.views = views;
        this.base = base;
        this.position = position;
        this.joined = joined;
    }

    Instant joined() {
        return joined;
    }

    int tenant() {
        return tenant;
    }

    /// What there is to say of these news; used by the writing thread.
    synchronized List<Message> tell(News news) {
        return switch (news) {
            case News.Look(var row, _) -> told(known(row.id()).telling.tell(news));
            case News.Progress(var row, _) -> told(known(row.id()).telling.tell(news));
            case News.Preview(var preview) -> told(known(preview.job()).telling.tell(news));
            case News.Position(long at) -> {
                position = Instant.ofEpochMilli(at);
                yield List.of();
            }
            case News.Quiet _ -> List.of();
        };
    }

    private Known known(JobId job) {
        return memory.computeIfAbsent(
                job, id -> new Known(new JobTelling(id, row -> views.of(row, base), -1)));
    }

    private List<Message> told(List<Message> messages) {
        var id = Long.toString(position.toEpochMilli());
        return messages.stream()
                .filter(message -> filter.types().contains(message.type()))
                .map(message -> new Message(message.type(), id, message.data()))
                .toList();
    }

    /// The news of this row; null when there are none, or its client does not want them.
    synchronized @Nullable News look(JobRow row) {
        if (!filter.wants(row)) {
            return null;
        }
        var moment = views.moment(row);
        var known = known(row.id());
        if (moment.equals(known.newest)) {
            return null;
        }
        known.newest = moment;
        return new News.Look(row, moment);
    }

    /// The same for what was heard of a running job.
    synchronized @Nullable News heard(JobRow row, JobEvent event) {
        if (!filter.wants(row)) {
            return null;
        }
        return switch (event) {
            case JobEvent.Progress _ -> {
                var moment = views.moment(row);
                known(row.id()).newest = moment;
                yield new News.Progress(row, moment);
            }
            case JobEvent.Preview preview ->
                    filter.types().contains(Message.PREVIEW) ? new News.Preview(preview) : null;
            case JobEvent.Submitted _,
                    JobEvent.Started _,
                    JobEvent.Freed _,
                    JobEvent.Requeued _,
                    JobEvent.Finished _ ->
                    null;
        };
    }

    /// A client of it, with the courier that serves it.
    record Client(TenantStream stream, Courier courier) {

        void look(JobRow row) {
            tell(stream.look(row));
        }

        void heard(JobRow row, JobEvent event) {
            tell(stream.heard(row, event));
        }

        private void tell(@Nullable News news) {
            if (news != null) {
                courier.tell(news);
            }
        }

        void end() {
            courier.finish(Ending.STOPPING);
        }
    }
}
