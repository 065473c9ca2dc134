package dev.comfyapi.api.http;

import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;

import java.io.IOException;

/// Errors that Tomcat found before any application: a request target that is no URI, for example.
///
/// Public because Tomcat makes it by its class name.
public final class ProblemReportValve extends ErrorReportValve {

    @Override
    protected void report(Request request, Response response, @Nullable Throwable failure) {
        int status = response.getStatus();
        if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        try {
            ProblemWriter.write(
                    request.getRequest(),
                    response.getResponse(),
                    ProblemErrorController.ofStatus(status));
            response.finishResponse();
        } catch (IOException _) {
            // The client has gone.
        }
    }
}
