"""The pages, one module a page. They ask services and jobs, and decide nothing themselves."""
