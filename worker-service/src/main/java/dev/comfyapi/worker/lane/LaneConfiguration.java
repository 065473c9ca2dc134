package dev.comfyapi.worker.lane;

import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.db.secret.SecretStore;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.worker.attempt.AttemptPipeline;
import dev.comfyapi.worker.attempt.LoadedModel;
import dev.comfyapi.worker.attempt.RecordOutcome;
import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;
import dev.comfyapi.worker.comfyui.PromptOwner;

import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.kafka.core.ConsumerFactory;

/// What holds the worker together.
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(LaneProperties.class)
public class LaneConfiguration {

    @Bean
    WorkerStore workerStore(JdbcClient jdbc) {
        return new WorkerStore(jdbc);
    }

    @Bean
    PromptOwner promptOwner(LaneProperties properties) {
        return new PromptOwner(properties.nameOrHost());
    }

    @Bean
    Pulse pulse(ComfyUiHealth health) {
        return new Pulse(health);
    }

    @Bean
    Nudge nudge() {
        return new Nudge();
    }

    /// The end of an attempt matters to the heartbeat while it drains, or is to do something once
    /// nothing runs.
    @Bean
    Ledger ledger(AttemptPipeline pipeline, Nudge nudge) {
        return new Ledger(pipeline, nudge::now);
    }

    @Bean
    Heartbeat heartbeat(
            WorkerStore workers,
            LeaseStore leases,
            Ledger ledger,
            Pulse pulse,
            ComfyUiHealth health,
            LoadedModel loaded,
            ComfyUi comfyUi,
            Nudge nudge) {
        return new Heartbeat(
                workers,
                leases,
                ledger,
                pulse,
                health,
                loaded,
                new Obedience(workers, ledger, health, comfyUi, nudge::now));
    }

    @Bean
    GraphSeal graphSeal(JdbcClient jdbc) {
        return new GraphSeal(new SecretStore(jdbc));
    }

    @Bean
    WorkerLife workerLife(
            ComfyUi comfyUi,
            WorkerStore workers,
            RecordOutcome recording,
            Heartbeat heartbeat,
            Ledger ledger,
            Pulse pulse,
            ConsumerFactory<byte[], byte[]> consumers,
            GraphSeal seal,
            ComfyUiHealth health,
            PromptOwner owner,
            LaneProperties properties,
            Nudge nudge) {
        return new WorkerLife(
                new Registration(comfyUi, health, owner, workers, recording, properties),
                new CatalogueWatch(comfyUi, health, workers, properties.refresh()),
                heartbeat,
                ledger,
                pulse,
                workers,
                consumers,
                seal,
                health,
                properties,
                nudge);
    }
}
