package dev.comfyapi.worker.attempt;

import dev.comfyapi.db.asset.InputStore;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.worker.artifact.ArtifactIntake;
import dev.comfyapi.worker.artifact.Inputs;
import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;
import dev.comfyapi.worker.comfyui.ComfyUiSocket;
import dev.comfyapi.worker.comfyui.PromptOwner;

import io.micrometer.core.instrument.MeterRegistry;

import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Clock;

/// The steps of an attempt.
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(AttemptProperties.class)
public class AttemptConfiguration {

    @Bean
    LeaseStore leaseStore(JdbcClient jdbc, AttemptProperties properties) {
        return new LeaseStore(jdbc, properties.backoff());
    }

    @Bean
    InputStore inputStore(JdbcClient jdbc) {
        return new InputStore(jdbc);
    }

    @Bean
    LoadedModel loadedModel() {
        return new LoadedModel();
    }

    @Bean
    ProgressRouter progressRouter() {
        return new ProgressRouter();
    }

    @Bean
    Orphans orphans(
            ComfyUi comfyUi, PromptOwner owner, ProgressRouter router, ComfyUiHealth health) {
        var orphans = new Orphans(comfyUi, owner, router);
        health.onReady(orphans::stop);
        return orphans;
    }

    @Bean
    RecordOutcome recordOutcome(
            LeaseStore leases,
            ArtifactIntake artifacts,
            MessageSender sender,
            AttemptProperties properties,
            MeterRegistry metrics,
            Clock clock) {
        return new RecordOutcome(
                leases,
                artifacts,
                new ResultSpool(properties.spool(), clock),
                sender,
                new AttemptMetrics(metrics));
    }

    @Bean
    AttemptPipeline attemptPipeline(
            LeaseStore leases,
            StartGate gate,
            InputStore inputStore,
            Inputs inputs,
            ArtifactIntake artifacts,
            RecordOutcome recording,
            ProgressRouter router,
            ComfyUi comfyUi,
            ComfyUiHealth health,
            ComfyUiSocket socket,
            MessageSender sender,
            LoadedModel loaded,
            AttemptProperties properties) {
        var looking = new Looking(comfyUi, health);
        return new AttemptPipeline(
                leases,
                new HandInputs(inputStore, inputs, health, properties.comfyuiInputDir()),
                new GpuSlots(properties.slots(), gate),
                new SubmitPrompt(comfyUi, looking),
                new FollowPrompt(comfyUi, health, socket, looking, sender, properties),
                new StoreOutputs(artifacts),
                recording,
                router,
                comfyUi,
                health,
                socket,
                sender,
                loaded);
    }
}
