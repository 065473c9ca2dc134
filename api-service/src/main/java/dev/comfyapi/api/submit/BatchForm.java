package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.InvalidMember;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Reads the requests of a batch: each is checked as if it had come alone. A custom id, another
/// member that each of them may have, must be the only one of its kind.
@Component
final class BatchForm {

    private static final String CUSTOM_ID = "custom_id";
    private static final int LONGEST_CUSTOM_ID = 64;

    /// Far longer than it takes, unless a client names thousands of hosts that do not answer.
    private static final Duration LONGEST = Duration.ofMinutes(5);

    private final PromptForm prompts;
    private final WorkflowForm workflows;
    private final Submissions submissions;
    private final Clock clock;

    BatchForm(PromptForm prompts, WorkflowForm workflows, Submissions submissions, Clock clock) {
        this.prompts = prompts;
        this.workflows = workflows;
        this.submissions = submissions;
        this.clock = clock;
    }

    /// Makes a job of each request, until something is wrong: from there on it only looks for what
    /// else is.
    ///
    /// @param batch the id that it will have
    /// @param spool where the jobs go; of no use when there are problems
    void read(
            int tenant,
            Drafts drafts,
            BatchTerms terms,
            UUID batch,
            @Nullable String traceparent,
            Problems problems,
            JobSpool spool)
            throws IOException {
        drafts.forEach(new Reading(tenant, terms, batch, traceparent, problems, spool));
    }

    private final class Reading implements Drafts.Look {

        private final Asker asker;
        private final BatchTerms terms;
        private final UUID batch;
        private final @Nullable String traceparent;
        private final Problems problems;
        private final JobSpool spool;
        private final Set<String> customIds = new HashSet<>();
        private final long until = System.nanoTime() + LONGEST.toNanos();

        Reading(
                int tenant,
                BatchTerms terms,
                UUID batch,
                @Nullable String traceparent,
                Problems problems,
                JobSpool spool) {
            this.asker = Asker.submitting(tenant);
            this.terms = terms;
            this.batch = batch;
            this.traceparent = traceparent;
            this.problems = problems;
            this.spool = spool;
        }

        @Override
        public boolean at(InvalidMember unreadable) {
            problems.add(unreadable);
            return !problems.isFull();
        }

        @Override
        public boolean at(Draft draft) {
            if (System.nanoTime() - until > 0) {
                throw ApiProblem.of(
                                ProblemCode.TEMPORARILY_OVERLOADED,
                                "The batch could not be checked in time.")
                        .header("Retry-After", "60");
            }
            var own = new Problems();
            own.addUnstorableTexts(draft.body(), draft.pointer());
            var members = Members.at(draft.body(), draft.pointer(), own);
            var customId = members.text(CUSTOM_ID, 1, LONGEST_CUSTOM_ID);
            if (customId.isPresent() && !customIds.add(customId.get())) {
                own.add(
                        members.pointer(CUSTOM_ID),
                        "duplicate",
                        "is the custom_id of another job of this batch");
            }
            var checked = read(draft, members);
            if (checked.isPresent() && own.isEmpty()) {
                var request = terms.on(checked.get());
                request.contradiction(clock.instant())
                        .ifPresent(found -> own.add(inside(draft, found)));
                if (own.isEmpty() && problems.isEmpty()) {
                    spool.add(
                            submissions.jobOf(
                                    request,
                                    batch,
                                    traceparent,
                                    customId.orElse(null),
                                    terms.maxConcurrency() != null));
                }
            }
            own.all().forEach(found -> problems.add(draft.located(found)));
            return !problems.isFull();
        }

        private Optional<CheckedRequest> read(Draft draft, Members members) {
            if (!draft.body().isObject()) {
                // That says it all.
                return Optional.empty();
            }
            return WorkflowForm.isFor(draft.body())
                    ? workflows.read(asker, members).request()
                    : prompts.read(asker, members);
        }

        /// The window of the batch is shorter than what the job says of itself.
        private static InvalidMember inside(Draft draft, InvalidMember found) {
            return new InvalidMember(
                    draft.pointer() + found.pointer().substring(1),
                    found.code(),
                    found.detail(),
                    found.params());
        }
    }
}
