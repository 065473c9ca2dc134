package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.webhook.WebhookForm;
import dev.comfyapi.model.generation.PictureGraph;

import org.springframework.stereotype.Component;

import java.time.Clock;
import java.util.Optional;

/// Reads a prompt request: checks every member, fills in the defaults, builds the graph.
@Component
final class PromptForm {

    /// What the contract has and this version does not offer.
    private static final String[] NOT_OFFERED = {"workflow", "workflow_template", "inputs"};

    private final PoolForm pools;
    private final GenerationForm generations;
    private final Admission admission;
    private final SubmitProperties properties;
    private final WebhookForm webhooks;
    private final Clock clock;

    PromptForm(
            PoolForm pools,
            GenerationForm generations,
            Admission admission,
            SubmitProperties properties,
            WebhookForm webhooks,
            Clock clock) {
        this.pools = pools;
        this.generations = generations;
        this.admission = admission;
        this.properties = properties;
        this.webhooks = webhooks;
        this.clock = clock;
    }

    /// The request, or empty when something is wrong with it, which the problems say.
    ///
    /// @param asker whose files it may name
    Optional<CheckedRequest> read(Asker asker, Members members) {
        int before = members.problems().all().size();
        var generation = generations.read(asker, pools.read(members), members);
        var terms =
                JobTerms.read(
                        members, properties, webhooks, clock, () -> admission.best(asker.tenant()));
        members.notOffered(NOT_OFFERED);
        members.end();

        if (generation.isEmpty() || members.problems().all().size() > before) {
            return Optional.empty();
        }
        return Optional.of(
                terms.with(
                        PictureGraph.of(generation.get()), ResolvedParams.json(generation.get())));
    }
}
