package dev.comfyapi.api.operations;

import dev.comfyapi.api.stream.JobWatch;
import dev.comfyapi.messaging.MessageSender;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.MeterBinder;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
class MetricsConfiguration {

    @Bean
    MeterBinder messageMetrics(MessageSender sender, JobWatch watch) {
        return registry -> {
            FunctionCounter.builder("comfyapi.messages.dropped", sender, MessageSender::dropped)
                    .description("Messages that Kafka did not take")
                    .register(registry);
            Gauge.builder("comfyapi.jobs.waiters", watch, JobWatch::listeners)
                    .description("Waits and streams that are told of jobs")
                    .register(registry);
        };
    }
}
