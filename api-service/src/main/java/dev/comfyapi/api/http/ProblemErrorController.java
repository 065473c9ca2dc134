package dev.comfyapi.api.http;

import io.swagger.v3.oas.annotations.Hidden;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.RequestMapping;

import java.io.IOException;

/// Errors that the container found outside the controllers.
@Hidden
@Controller
final class ProblemErrorController implements ErrorController {

    @Open
    @RequestMapping("/error")
    void error(HttpServletRequest request, HttpServletResponse response) throws IOException {
        var status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
        int code = status instanceof Integer number ? number : 404;
        ProblemWriter.write(request, response, ofStatus(code));
    }

    static ApiProblem ofStatus(int status) {
        var code = ProblemCode.ofStatus(status);
        var problem = ApiProblem.of(code, code.explanation());
        return code == ProblemCode.METHOD_NOT_ALLOWED
                ? problem.header("Allow", "DELETE, GET, HEAD, OPTIONS, POST")
                : problem;
    }
}
