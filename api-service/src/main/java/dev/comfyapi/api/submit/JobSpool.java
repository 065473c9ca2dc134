package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.workflow.Graph;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;

/// Jobs between the check of the first and the acceptance of all: a few in memory, many in a file.
/// Filled, then emptied once. Not thread-safe.
final class JobSpool implements Closeable {

    /// Jobs of one statement, unless their graphs are large.
    private static final int CHUNK = 500;

    private static final long CHUNK_SIZE = 4 << 20;
    private static final long MOST = 512L << 20;

    /// Of so many the others hear at once; of the rest when they look.
    private static final int NAMED = 100;

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int NULL = -1;

    private final List<NewJob> chunk = new ArrayList<>();
    private final List<Integer> written = new ArrayList<>();
    private final List<JobId> first = new ArrayList<>();
    private @Nullable TemporaryFile file;
    private @Nullable DataOutputStream out;
    private final long most;
    private long chunkSize;
    private long size;
    private int count;
    private boolean hurried;

    JobSpool() {
        this(MOST);
    }

    /// @param most bytes of all graphs together
    JobSpool(long most) {
        this.most = most;
    }

    /// @throws ApiProblem when all together are too large
    void add(NewJob job) {
        if (chunk.size() >= CHUNK || chunkSize > CHUNK_SIZE) {
            writeChunk();
        }
        long length = job.graph().toText().length();
        size += length;
        if (size > most) {
            throw ApiProblem.of(
                            ProblemCode.PAYLOAD_TOO_LARGE,
                            "The graphs of a batch may have at most %d bytes together."
                                    .formatted(most))
                    .with("max", most);
        }
        chunk.add(job);
        chunkSize += length;
        count++;
        hurried |= job.priority().value() > Priority.NORMAL.value();
        if (first.size() < NAMED) {
            first.add(job.id());
        }
    }

    int count() {
        return count;
    }

    /// Whether one of them wants to come before others.
    boolean isHurried() {
        return hurried;
    }

    /// The first ones.
    List<JobId> first() {
        return List.copyOf(first);
    }

    /// All of them in their order, some at a time.
    void forEachChunk(Consumer<List<NewJob>> take) {
        if (file != null && out != null) {
            try {
                out.flush();
                var in = new DataInputStream(file.in());
                for (int jobs : written) {
                    take.accept(read(in, jobs));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        if (!chunk.isEmpty()) {
            take.accept(List.copyOf(chunk));
        }
    }

    private void writeChunk() {
        try {
            var to = out;
            if (to == null) {
                file = TemporaryFile.create();
                to = new DataOutputStream(file.out());
                out = to;
            }
            for (var job : chunk) {
                write(job, to);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        written.add(chunk.size());
        chunk.clear();
        chunkSize = 0;
    }

    private static void write(NewJob job, DataOutputStream out) throws IOException {
        write(job.id().value(), out);
        out.writeInt(job.classId());
        out.writeInt(job.priority().value());
        write(job.graph().toText(), out);
        write(job.params(), out);
        write(job.metadata(), out);
        write(JSON.writeValueAsString(job.tags()), out);
        write(job.batchId(), out);
        write(job.retryOf(), out);
        write(job.traceparent(), out);
        write(job.runAfter(), out);
        write(job.startBy(), out);
        write(job.finishBy(), out);
        write(job.expiresAt(), out);
        out.writeInt(job.maxFailures());
        out.writeInt(job.runTimeoutMs());
        out.writeBoolean(job.keepMetadata());
        write(job.webhook() == null ? null : job.webhook().url(), out);
        out.writeInt(job.webhook() == null ? 0 : job.webhook().mask());
        write(job.customId(), out);
        out.writeBoolean(job.held());
    }

    private static List<NewJob> read(DataInputStream in, int count) throws IOException {
        var jobs = new ArrayList<NewJob>(count);
        for (int i = 0; i < count; i++) {
            jobs.add(
                    new NewJob(
                            new JobId(UUID.fromString(text(in))),
                            in.readInt(),
                            new Priority(in.readInt()),
                            Graph.parse(text(in).getBytes(StandardCharsets.UTF_8)),
                            textOrNull(in),
                            text(in),
                            JSON.readValue(text(in), new TypeReference<List<String>>() {}),
                            uuid(in),
                            uuid(in),
                            textOrNull(in),
                            time(in),
                            time(in),
                            time(in),
                            time(in),
                            in.readInt(),
                            in.readInt(),
                            in.readBoolean(),
                            webhook(textOrNull(in), in.readInt()),
                            textOrNull(in),
                            in.readBoolean()));
        }
        return jobs;
    }

    private static @Nullable JobWebhook webhook(@Nullable String url, int mask) {
        return url == null ? null : JobWebhook.of(url, mask);
    }

    private static void write(@Nullable Object value, DataOutputStream out) throws IOException {
        if (value == null) {
            out.writeInt(NULL);
        } else {
            var bytes = value.toString().getBytes(StandardCharsets.UTF_8);
            out.writeInt(bytes.length);
            out.write(bytes);
        }
    }

    private static @Nullable String textOrNull(DataInputStream in) throws IOException {
        int length = in.readInt();
        return length == NULL ? null : new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }

    private static String text(DataInputStream in) throws IOException {
        return String.valueOf(textOrNull(in));
    }

    private static @Nullable UUID uuid(DataInputStream in) throws IOException {
        var text = textOrNull(in);
        return text == null ? null : UUID.fromString(text);
    }

    private static @Nullable Instant time(DataInputStream in) throws IOException {
        var text = textOrNull(in);
        return text == null ? null : Instant.parse(text);
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
